// The desk's screens: every page works as plain forms and links; what each part adds stands in a module of its own.
import { workList } from "./lib/desk/list.js";
import { closeMessages } from "./lib/desk/messages.js";

document.documentElement.classList.add("has-script");
closeMessages();
workList();
