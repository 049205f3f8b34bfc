"""Nineteen documents that look scanned, and the whole way that they take.

`facts` invents what stands in a register, `layout` puts it on pages, `drawing` draws the
pages, `scan` makes them look scanned; `batch` writes the files and `scenario` reads them.
"""
