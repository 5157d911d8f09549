"""Images for print: QR codes, receipt slips, the poster. These modules are pure: they turn facts into an image."""
