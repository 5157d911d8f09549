"""What is printed: QR codes, slips for a person, the poster of a hall. Pure: facts in, an image out."""
