//! An attack has a page already, which only the network could draw anew: its pictures show what the
//! network took them for.

use ocelli::train::read_text;
use std::path::Path;

use super::page_file::{PAGE, default_path};
use crate::failure::BadInput;
use crate::whole_file::write_whole;

/// Hundreds of pictures.
const LARGEST: u64 = 256 << 20;

/// Puts the page that the attack in `folder` wrote at `report`, where it is not there.
pub(super) fn copy_page(folder: &Path, report: &Path) -> anyhow::Result<()> {
    let page = default_path(folder);
    let text = if page.is_file() { read_text(&page, LARGEST)? } else { String::new() };
    if !text.starts_with(PAGE) {
        let message = format!("{}: the attack has not written its page", page.display());
        let folder = folder.display();
        let hint = format!("`ocelli attack one-pixel --resume {folder}` goes on and writes it");
        return Err(BadInput::new(message).hint(hint).into());
    }
    if page != report {
        write_whole(report, text)?;
    }
    Ok(())
}
