"""PDFs that hang a renderer or swallow memory, written by hand."""

from registre_cli.ocr.drawing import Words, vector_pdf


def _pdf(objects: list[bytes]) -> bytes:
    body = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, item in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    body += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    body += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(body)


def _stream(content: bytes, head: bytes = b"") -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (head, len(content), content)


def self_drawing_form(depth: int = 26) -> bytes:
    """Forms that draw the next one twice each: two to the power of `depth` drawings."""
    first = 4
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 612 792]"
    head = form + b" /Resources << /XObject << /F %d 0 R >> >>"
    forms = [_stream(b"/F Do /F Do", head % (first + n + 1)) for n in range(depth)]
    last = _stream(b"0 0 300 300 re f", form)
    return _pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /XObject << /F %d 0 R >> >> >>" % (first + depth + 1, first),
            *forms,
            last,
            _stream(b"/F Do"),
        ]
    )


def many_operators(number: int = 3_000_000) -> bytes:
    """A page of so many strokes, each of another shade."""
    content = b"".join(
        b"%d 0 0 rg %d %d m %d %d l S\n" % (n % 2, n % 612, n % 792, (n * 7) % 612, (n * 3) % 792)
        for n in range(number)
    )
    return _one_page(content, b"[0 0 612 792]")


def huge_page(side_points: int = 14_400) -> bytes:
    """A page of 60,000 by 60,000 pixels at 300 dpi, with a word on it."""
    return _one_page(b"0 0 5000 5000 re f", b"[0 0 %d %d]" % (side_points, side_points))


def looping_page_tree() -> bytes:
    """A page tree whose node is its own child."""
    return _pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [2 0 R 3 0 R 2 0 R] /Count 3 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>",
        ]
    )


def harmless() -> bytes:
    """A page like any other."""
    return vector_pdf([Words(60, 100 + 20 * n, "Vente par Étienne Bélanger", 12) for n in range(9)])


def _one_page(content: bytes, box: bytes) -> bytes:
    return _pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox %s /Contents 4 0 R >>" % box,
            _stream(content),
        ]
    )
