"""The crew's phone: a page that needs no account and no install, and the addresses that it talks to."""
