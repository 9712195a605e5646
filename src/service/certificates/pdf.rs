//! Reading a paper: the JSON copy that is attached to a PDF. The file may be anybody's.

use hayro_syntax::Pdf;
use hayro_syntax::object::{Dict, Object, Stream};

use crate::domain::credential::COPY_BYTES_MAX;

use super::paper::ATTACHMENT;

/// The longest PDF that is read, in bytes.
pub const PDF_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Objects that are looked at.
const OBJECTS_MAX: usize = 20_000;
/// The longest packed attachment, in bytes: unpacked it is a thousand times as long at most.
const PACKED_BYTES_MAX: usize = 64 * 1024;

/// Whether a file begins as a PDF does.
pub fn is_pdf(file: &[u8]) -> bool {
    file.get(..1024.min(file.len())).is_some_and(|head| head.windows(5).any(|part| part == b"%PDF-"))
}

/// The copy in a file: the file itself, or what is attached to it. What is
/// attached is bounded before and after it is unpacked.
///
/// # Errors
/// Why there is none, for people.
pub fn copy_in(file: Vec<u8>) -> Result<Vec<u8>, String> {
    if !is_pdf(&file) {
        return Ok(file);
    }
    if file.len() > PDF_BYTES_MAX {
        return Err("the PDF is longer than 4 MiB".into());
    }
    // The library promises not to fail on any file; should it, then as an error and not as the end of the program.
    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| attached(file)));
    read.unwrap_or_else(|_| Err("the PDF cannot be read".into()))
}

fn attached(file: Vec<u8>) -> Result<Vec<u8>, String> {
    let pdf = Pdf::new(file).map_err(|_| "the PDF cannot be read".to_owned())?;
    let mut found = None;
    for object in pdf.objects().into_iter().take(OBJECTS_MAX) {
        let Object::Dict(dict) = object else { continue };
        let Some(stream) = file_stream(&dict) else { continue };
        if found.is_some() {
            return Err(format!("the PDF has more than one attachment called {ATTACHMENT}"));
        }
        if stream.raw_data().len() > PACKED_BYTES_MAX || stream.filters().len() > 1 {
            return Err("the attached copy is packed as no copy is".into());
        }
        let data = stream.decoded().map_err(|_| "the attached copy cannot be unpacked".to_owned())?;
        if data.len() > COPY_BYTES_MAX {
            return Err("the attached copy is longer than 512 KiB".into());
        }
        found = Some(data.into_owned());
    }
    found.ok_or_else(|| format!("the PDF has no attachment called {ATTACHMENT}"))
}

/// The stream of a file specification (ISO 32000-1, 7.11.3) whose file bears our name.
fn file_stream<'a>(dict: &Dict<'a>) -> Option<Stream<'a>> {
    let name = dict.get::<hayro_syntax::object::String<'_>>("F")?;
    if name.as_bytes() != ATTACHMENT.as_bytes() {
        return None;
    }
    dict.get::<Dict<'a>>("EF")?.get::<Stream<'a>>("F")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pdf_is_the_copy_itself_and_a_broken_one_is_none() {
        assert_eq!(copy_in(b"{}".to_vec()), Ok(b"{}".to_vec()));
        for broken in [&b"%PDF-1.7\n"[..], b"%PDF-1.7\ntrailer<</Root 1 0 R>>\n%%EOF", b"junk %PDF-"] {
            assert!(copy_in(broken.to_vec()).is_err());
        }
        let long = [b"%PDF-1.7\n".to_vec(), vec![b' '; PDF_BYTES_MAX]].concat();
        assert_eq!(copy_in(long), Err("the PDF is longer than 4 MiB".into()));
    }
}
