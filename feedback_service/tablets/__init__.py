"""What is known of tablets beside their keys: the texts of their screens."""
