"""Nineteen documents that look scanned, and the whole way that they take.

`facts` invents what stands in a register, `deeds` words it (`names`, `wording`, `printed`),
`layout` puts it on pages, `drawing` draws the pages, `scan` makes them look scanned; `batch` writes
the files and `scenario` reads them. Every field on a page is known.
"""
