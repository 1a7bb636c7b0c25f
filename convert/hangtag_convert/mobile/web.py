"""Which files a bundle for the web consists of: the page that ``hangtag web`` serves, and how to host it."""

from __future__ import annotations

from hangtag.model_file import ModelFile
from hangtag.web.headers import ALWAYS, ISOLATION
from hangtag.web.site import first_visit_bytes, site_files
from hangtag_convert.mobile.literals import markdown
from hangtag_convert.mobile.render import Renderer

HEADERS_NAME = "_headers"
"""The file in which some hosts (Netlify, Cloudflare Pages) look for headers; others serve it as any file."""


def web_files(model: ModelFile, file_name: str) -> dict[str, bytes]:
    """Return every file of the bundle by its path, with slashes.

    Args:
        model: the model.
        file_name: what it is called on the site.

    Raises:
        MissingAssets: the page's engine is not installed.
        ModelFileError: a browser cannot run the model as its contract says.
    """
    site = site_files(model, file_name)
    place = next(path for path in site if path.startswith("models/"))
    renderer = Renderer(
        "web",
        {
            "TITLE": markdown(model.contract.name),
            "LABEL_COUNT": str(len(model.contract.labels)),
            "MODEL": place,
            "FIRST_VISIT_MB": f"{first_visit_bytes(site) / 1e6:.1f}",
            "NGINX_HEADERS": "\n".join(
                f'  add_header {name} "{value}" always;' for name, value in _SENT.items()
            ),
            "CADDY_HEADERS": "\n".join(f'    {name} "{value}"' for name, value in _SENT.items()),
        },
    )
    files = {**site, "README.md": renderer.text("README.md"), HEADERS_NAME: _headers()}
    renderer.check_all_used()
    return files


_SENT = {**ISOLATION, **{name: ALWAYS[name] for name in ("Permissions-Policy", "X-Content-Type-Options")}}
"""What a host should send; the page brings its content security policy itself."""


def _headers() -> bytes:
    return ("/*\n" + "".join(f"  {name}: {value}\n" for name, value in ALWAYS.items())).encode()
