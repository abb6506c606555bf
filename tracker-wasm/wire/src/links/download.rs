//! Links to files, known by their extension.

use std::borrow::Cow;

use crate::scan::{before, decode, index, last};

/// Extensions of files that a visitor keeps rather than reads in the page. Pages, scripts and pictures are not here.
const EXTENSIONS: &str = "pdf doc docx xls xlsx ppt pptx pps ppsx odt ods odp rtf txt csv epub mobi key pages numbers zip \
    rar 7z gz tgz bz2 xz tar dmg pkg exe msi apk deb rpm iso mp3 wav ogg m4a mp4 mov avi mkv wmv webm ics vcf dwg";

/// The name of the file that a path ends in, if it is one to download.
pub(super) fn file(path: &str) -> Option<Cow<'_, str>> {
    let name = last(path, b'/').map_or(path, |(_, name)| name);
    let name = last(name, b'\\').map_or(name, |(_, name)| name);
    let name = decode(before(name, b';'), false);
    let (stem, extension) = last(&name, b'.')?;
    (!stem.is_empty() && index(EXTENSIONS, extension).is_some()).then_some(name)
}
