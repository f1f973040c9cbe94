// The desk's screens. htmx swaps parts of pages; each part of a page that needs more has a module of its own.
import htmx from "htmx.org";
import { workList } from "./lib/desk/list.js";
import { closeMessages } from "./lib/desk/messages.js";

// Our content security policy forbids eval and inline styles, so htmx must not use them.
htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;

document.documentElement.classList.add("has-script");
closeMessages();
workList();
