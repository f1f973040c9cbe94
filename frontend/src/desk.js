// The desk's screens: htmx swaps parts of pages.
import htmx from "htmx.org";

// Our content security policy forbids eval and inline styles, so htmx must not use them.
htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
