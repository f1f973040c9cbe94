// The resident's page works without this script; it only makes it quicker.
document.documentElement.classList.add("has-script");
