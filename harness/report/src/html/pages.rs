//! What an end customer sees on the GX (P 6): the pages as the battery sent them, beside what the GX showed.

use std::fmt::{self, Write};

use super::escape::Esc;
use evidence::run::Run;

/// Nothing where the battery was not heard.
pub(crate) fn pages(out: &mut String, run: &Run) -> fmt::Result {
    let battery = &run.meta.battery;
    if battery.pages.is_empty() {
        return Ok(());
    }
    write!(
        out,
        "<section id=pages><h2>What an end customer sees on the GX</h2><p class=quiet>The pages of P 6, from what the battery \
         sent last in {}, and what the registers of the GX had last. Two dashes: not sent. A dot: the GX has no register for \
         it, or was not asked.</p><div class=pages>",
        Esc(&battery.pages_of)
    )?;
    for page in &battery.pages {
        write!(
            out,
            "<table><caption>{}</caption><thead><tr><th><th>Sent on CAN<th>Shown by the GX</tr></thead><tbody>",
            Esc(&page.title)
        )?;
        for row in &page.rows {
            write!(out, "<tr><th scope=row>{}<td>{}<td>", Esc(row.label), Esc(row.sent.join(" / ")))?;
            match row.shown.is_empty() {
                true => out.push_str("<span class=quiet>·</span>"),
                false => write!(out, "{}", Esc(row.shown.join(" / ")))?,
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table>");
    }
    out.push_str("</div></section>\n");
    Ok(())
}
