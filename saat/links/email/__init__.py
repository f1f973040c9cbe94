"""E-mail over SMTP (RFC 5321, messages as in RFC 5322)."""
