"""Operations toolkit for reading a land registry by OCR."""
