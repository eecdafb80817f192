"""HTML pages from Jinja templates, in one way for all reports."""

from __future__ import annotations

from pathlib import Path

import jinja2


def rendered(template: Path, /, **content: object) -> str:
    """Returns the HTML of a template.

    Args:
        template: A Jinja file. Templates beside it can be included.
        content: The values that it names. Text is escaped unless it is `markupsafe.Markup`.

    Raises:
        jinja2.UndefinedError: If the template names a value that is not given.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(content)
