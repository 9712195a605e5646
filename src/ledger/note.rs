//! Signed notes (C2SP signed-note v1.0.0): a text that several keys can sign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::crypto::digest::HashAlgorithm;
use crate::crypto::sign::{PublicKey, SigningKey};

use super::LedgerError;

/// The signature type byte of Ed25519.
const ED25519: u8 = 0x01;
/// A city has fewer departments than this; a longer note is refused unread.
const SIGNATURES_MAX: usize = 256;
const NOTE_BYTES_MAX: usize = 64 * 1024;

/// A text, ending in a newline, and the signatures under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NoteSignature {
    name: String,
    key_id: [u8; 4],
    signature: Vec<u8>,
}

impl SignedNote {
    /// A note without signatures yet.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] for a text with control characters, an empty line or no newline at its end.
    pub fn new(text: String) -> Result<Self, LedgerError> {
        let wrong = |why: &str| Err(LedgerError::malformed("note", why));
        if text.chars().any(|c| c < ' ' && c != '\n') {
            return wrong("has control characters");
        }
        if !text.ends_with('\n') || text.starts_with('\n') || text.contains("\n\n") {
            return wrong("needs lines that are not empty, each with its newline");
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Adds a signature under a key name, which has neither spaces nor `+`.
    pub fn sign(&mut self, name: &str, key: &SigningKey) {
        let key_id = key_id(name, &key.public());
        let signature = key.sign(self.text.as_bytes());
        self.signatures.push(NoteSignature { name: name.to_owned(), key_id, signature });
    }

    /// The text that is signed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The key names under the text, whether or not their signatures fit.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.signatures.iter().map(|signature| signature.name.as_str())
    }

    /// Whether this key signed: `Ok(false)` when there is no signature of it.
    ///
    /// # Errors
    /// [`LedgerError::Signature`] when there is one that does not fit; the note is then not to be trusted at all.
    pub fn signed_by(&self, name: &str, key: &PublicKey) -> Result<bool, LedgerError> {
        let id = key_id(name, key);
        let mut found = false;
        for line in self.signatures.iter().filter(|line| line.name == name && line.key_id == id) {
            key.verify(self.text.as_bytes(), &line.signature).map_err(|_| LedgerError::Signature(name.to_owned()))?;
            found = true;
        }
        Ok(found)
    }

    /// The whole note.
    pub fn encode(&self) -> String {
        let mut note = format!("{}\n", self.text);
        for line in &self.signatures {
            let signature = BASE64.encode([line.key_id.as_slice(), &line.signature].concat());
            note.push_str(&format!("\u{2014} {} {signature}\n", line.name));
        }
        note
    }

    /// Reads a note; says nothing of its signatures.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] with the reason.
    pub fn parse(note: &str) -> Result<Self, LedgerError> {
        let wrong = |why: &str| LedgerError::malformed("note", why);
        if note.len() > NOTE_BYTES_MAX {
            return Err(wrong("longer than 64 KiB"));
        }
        // The last empty line separates text and signatures.
        let split = note.rfind("\n\n").ok_or_else(|| wrong("has no signatures"))?;
        let (text, lines) = note.split_at(split + 1);
        let mut parsed = Self::new(text.to_owned())?;
        let lines = lines.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        for line in lines.ok_or_else(|| wrong("does not end in a newline"))?.split('\n') {
            parsed.signatures.push(signature_line(line).ok_or_else(|| wrong("has a malformed signature line"))?);
        }
        if parsed.signatures.len() > SIGNATURES_MAX {
            return Err(wrong("has too many signatures"));
        }
        Ok(parsed)
    }
}

fn signature_line(line: &str) -> Option<NoteSignature> {
    let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+') {
        return None;
    }
    let bytes = BASE64.decode(signature).ok()?;
    let (key_id, signature) = bytes.split_first_chunk::<4>()?;
    Some(NoteSignature { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
}

/// `SHA-256(name || 0x0A || type || key)[:4]`, on an SM3 chain too: note tools find keys by it.
fn key_id(name: &str, key: &PublicKey) -> [u8; 4] {
    let digest = HashAlgorithm::Sha256.digest(&[name.as_bytes(), b"\n", &[ED25519], key.as_bytes()]);
    let [a, b, c, d, ..] = digest.0;
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_id_is_that_of_the_specification() {
        // A published key, sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8: name, key id, type and key.
        let bytes = BASE64.decode("Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8").unwrap();
        assert_eq!(bytes[0], ED25519);
        let key: PublicKey = format!("ed25519:{}", BASE64.encode(&bytes[1..])).parse().unwrap();
        assert_eq!(hex::encode(key_id("sum.golang.org", &key)), "033de0ae");
    }

    #[test]
    fn a_note_survives_its_text_and_names_who_signed() {
        let (a, b) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
        let mut note = SignedNote::new("one\ntwo\n".into()).unwrap();
        note.sign("city/a", &a);
        note.sign("city/b", &b);
        let parsed = SignedNote::parse(&note.encode()).unwrap();
        assert_eq!(parsed, note);
        assert_eq!(parsed.names().collect::<Vec<_>>(), ["city/a", "city/b"]);
        assert_eq!(parsed.signed_by("city/a", &a.public()), Ok(true));
        assert_eq!(parsed.signed_by("city/b", &b.public()), Ok(true));
        assert_eq!(parsed.signed_by("city/a", &b.public()), Ok(false));
        assert_eq!(parsed.signed_by("city/c", &a.public()), Ok(false));
        let changed = SignedNote::parse(&note.encode().replacen("two", "twp", 1)).unwrap();
        assert!(changed.signed_by("city/a", &a.public()).is_err());
    }

    #[test]
    fn malformed_notes_are_refused() {
        for text in ["", "x", "a\n\nb\n", "\na\n", "a\tb\n"] {
            assert!(SignedNote::new(text.into()).is_err(), "{text:?} passed");
        }
        for note in [
            "a\n",
            "a\n\n",
            "a\n\nx\n",
            "a\n\n\u{2014} name\n",
            "a\n\n\u{2014} n AAAA\n",
            "a\n\n\u{2014} n+ AAAAAAAA\n",
        ] {
            assert!(SignedNote::parse(note).is_err(), "{note:?} passed");
        }
    }
}
