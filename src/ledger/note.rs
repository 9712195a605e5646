//! Signed notes (C2SP signed-note v1.0.0) and cosignatures under them (C2SP tlog-cosignature v1.0.0, "cosignature/v1").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::crypto::digest::HashAlgorithm;
use crate::crypto::sign::{Algorithm, PublicKey, SigningKey};

use super::LedgerError;

/// A city has fewer departments than this; a longer note is refused unread.
const SIGNATURES_MAX: usize = 256;
/// The longest note, in bytes.
pub const NOTE_BYTES_MAX: usize = 64 * 1024;
/// C2SP tlog-cosignature: a time beyond this is not one.
const TIME_MAX: u64 = i64::MAX.unsigned_abs();

/// What a signature under a note means; each has its own key id, so that none passes for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// The note's own author, over the text alone.
    Author,
    /// A cosigner that checked the text at a time of its own.
    Cosigner,
}

impl Meaning {
    /// The signature type in a key id. Types that C2SP gave no byte are 0xff and a name of their own.
    fn kind(self, algorithm: Algorithm) -> &'static [u8] {
        match (self, algorithm == Algorithm::Ed25519) {
            (Self::Author, true) => &[0x01],
            (Self::Author, false) => b"\xffmulu.sm2.note.v1",
            (Self::Cosigner, true) => &[0x04],
            (Self::Cosigner, false) => b"\xffmulu.sm2.cosignature.v1",
        }
    }

    /// `SHA-256(name || 0x0A || type || key)[:4]`, on an SM3 chain too: note tools find keys by it.
    fn key_id(self, name: &str, key: &PublicKey) -> [u8; 4] {
        let kind = self.kind(key.algorithm());
        let digest = HashAlgorithm::Sha256.digest(&[name.as_bytes(), b"\n", kind, key.as_bytes()]);
        let [a, b, c, d, ..] = digest.0;
        [a, b, c, d]
    }
}

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
    /// After the key id; of a cosignature, eight bytes of time come first.
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

    /// Adds its author's signature under a key name, which has neither spaces nor `+`.
    pub fn sign(&mut self, name: &str, key: &SigningKey) {
        let key_id = Meaning::Author.key_id(name, &key.public());
        let signature = key.sign(self.text.as_bytes());
        self.signatures.push(NoteSignature { name: name.to_owned(), key_id, signature });
    }

    /// Adds a cosignature made at a time, in seconds since 1970, under a key name.
    pub fn cosign(&mut self, name: &str, key: &SigningKey, time_s: u64) {
        let key_id = Meaning::Cosigner.key_id(name, &key.public());
        let signature = [time_s.to_be_bytes().as_slice(), &key.sign(&self.cosigned(time_s))].concat();
        self.signatures.push(NoteSignature { name: name.to_owned(), key_id, signature });
    }

    /// The message of a cosignature of this text.
    fn cosigned(&self, time_s: u64) -> Vec<u8> {
        format!("cosignature/v1\ntime {time_s}\n{}", self.text).into_bytes()
    }

    /// The text that is signed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The key names under the text, whether or not their signatures fit.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.signatures.iter().map(|signature| signature.name.as_str())
    }

    /// Takes over the signatures of another note of the same text that this one lacks.
    pub fn merge(&mut self, other: &Self) {
        if self.text != other.text {
            return;
        }
        for signature in &other.signatures {
            let is_new = |s: &&NoteSignature| (&s.name, s.key_id) != (&signature.name, signature.key_id);
            if self.signatures.iter().all(|s| is_new(&s)) && self.signatures.len() < SIGNATURES_MAX {
                self.signatures.push(signature.clone());
            }
        }
    }

    /// The same text under the signatures of one key name alone.
    #[must_use]
    pub fn only(&self, name: &str) -> Self {
        let signatures = self.signatures.iter().filter(|signature| signature.name == name).cloned().collect();
        Self { text: self.text.clone(), signatures }
    }

    fn lines(&self, meaning: Meaning, name: &str, key: &PublicKey) -> impl Iterator<Item = &NoteSignature> {
        let id = meaning.key_id(name, key);
        self.signatures.iter().filter(move |line| line.name == name && line.key_id == id)
    }

    /// Whether this key signed as the note's author: `Ok(false)` when there is no signature of it.
    ///
    /// # Errors
    /// [`LedgerError::Signature`] when there is one that does not fit; the note is then not to be trusted at all.
    pub fn signed_by(&self, name: &str, key: &PublicKey) -> Result<bool, LedgerError> {
        let mut found = false;
        for line in self.lines(Meaning::Author, name, key) {
            key.verify(self.text.as_bytes(), &line.signature).map_err(|_| LedgerError::Signature(name.to_owned()))?;
            found = true;
        }
        Ok(found)
    }

    /// When this key cosigned last, in seconds since 1970; `None` when there is no cosignature of it.
    ///
    /// # Errors
    /// [`LedgerError::Signature`] when there is one that does not fit; the note is then not to be trusted at all.
    pub fn cosigned_by(&self, name: &str, key: &PublicKey) -> Result<Option<u64>, LedgerError> {
        let wrong = || LedgerError::Signature(name.to_owned());
        let mut latest = None;
        for line in self.lines(Meaning::Cosigner, name, key) {
            let (time, signature) = line.signature.split_first_chunk::<8>().ok_or_else(wrong)?;
            let time_s = u64::from_be_bytes(*time);
            if time_s > TIME_MAX {
                return Err(wrong());
            }
            key.verify(&self.cosigned(time_s), signature).map_err(|_| wrong())?;
            latest = latest.max(Some(time_s));
        }
        Ok(latest)
    }

    /// The key name of a signature that none of these keys made, neither as author nor as cosigner, if there is one.
    pub fn stranger(&self, known: &[(&str, &PublicKey)]) -> Option<&str> {
        let is_of = |line: &NoteSignature, name: &str, key: &PublicKey| {
            let ids = [Meaning::Author, Meaning::Cosigner].map(|meaning| meaning.key_id(name, key));
            line.name == name && ids.contains(&line.key_id)
        };
        let unknown = |line: &&NoteSignature| !known.iter().any(|(name, key)| is_of(line, name, key));
        self.signatures.iter().find(unknown).map(|line| line.name.as_str())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_id_is_that_of_the_specification() {
        // A published key, sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8: name, key id, type and key.
        let bytes = BASE64.decode("Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8").unwrap();
        assert_eq!(bytes[0], 0x01);
        let key: PublicKey = format!("ed25519:{}", BASE64.encode(&bytes[1..])).parse().unwrap();
        assert_eq!(hex::encode(Meaning::Author.key_id("sum.golang.org", &key)), "033de0ae");
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

    /// The example of C2SP tlog-cosignature. Its keys are not published, so what can be checked is its form.
    const EXAMPLE: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

    #[test]
    fn a_cosignature_has_the_form_of_the_specification() {
        let note = SignedNote::parse(EXAMPLE).unwrap();
        assert_eq!(note.encode(), EXAMPLE);
        let (time, signature) = note.signatures[1].signature.split_first_chunk::<8>().unwrap();
        assert_eq!((u64::from_be_bytes(*time), signature.len()), (1_679_315_147, 64));
        let message = "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n\
            CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        assert_eq!(String::from_utf8(note.cosigned(1_679_315_147)).unwrap(), message);

        let key = SigningKey::from_seed(&[7; 32]);
        let mut own = SignedNote::new(note.text().to_owned()).unwrap();
        own.cosign("witness.example.com/w1", &key, 1_679_315_147);
        let line = &own.signatures[0];
        assert_eq!((line.signature.len(), &line.signature[..8]), (72, &time[..]));
        key.public().verify(message.as_bytes(), &line.signature[8..]).unwrap();
        let preimage = [b"witness.example.com/w1\n\x04".as_slice(), key.public().as_bytes()].concat();
        assert_eq!(line.key_id, HashAlgorithm::Sha256.digest(&[&preimage]).0[..4]);
    }

    #[test]
    fn a_cosignature_holds_for_its_text_time_and_key_and_is_no_author_s_signature() {
        let (a, b) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
        let mut note = SignedNote::new("one\ntwo\n".into()).unwrap();
        note.cosign("city/a", &a, 5);
        note.sign("city/b", &b);
        assert_eq!(note.cosigned_by("city/a", &a.public()), Ok(Some(5)));
        assert_eq!(note.cosigned_by("city/a", &b.public()), Ok(None));
        assert_eq!(
            (note.signed_by("city/a", &a.public()), note.cosigned_by("city/b", &b.public())),
            (Ok(false), Ok(None))
        );
        let mut later = note.clone();
        later.signatures[0].signature[7] = 6;
        assert!(later.cosigned_by("city/a", &a.public()).is_err(), "the time can be changed");
        let mut cut = note.clone();
        cut.signatures[0].signature.truncate(7);
        assert!(cut.cosigned_by("city/a", &a.public()).is_err());
        let changed = SignedNote::parse(&note.encode().replacen("two", "twp", 1)).unwrap();
        assert!(changed.cosigned_by("city/a", &a.public()).is_err());

        let mut merged = note.only("city/b");
        merged.merge(&note);
        merged.merge(&note);
        assert_eq!(merged.names().collect::<Vec<_>>(), ["city/b", "city/a"]);
        merged.merge(&changed);
        assert_eq!(merged.signatures.len(), 2, "a signature of another text was taken over");
    }

    #[test]
    fn sm2_cosigns_under_a_type_with_a_name_of_its_own() {
        let key = SigningKey::from_secret(Algorithm::Sm2, &[7; 32]).unwrap();
        let mut note = SignedNote::new("one\n".into()).unwrap();
        note.cosign("city/a", &key, 5);
        note.sign("city", &key);
        let parsed = SignedNote::parse(&note.encode()).unwrap();
        assert_eq!(parsed.cosigned_by("city/a", &key.public()), Ok(Some(5)));
        assert_eq!(
            (parsed.signed_by("city", &key.public()), parsed.cosigned_by("city", &key.public())),
            (Ok(true), Ok(None))
        );
        let preimage = [b"city/a\n\xffmulu.sm2.cosignature.v1".as_slice(), key.public().as_bytes()].concat();
        assert_eq!(note.signatures[0].key_id, HashAlgorithm::Sha256.digest(&[&preimage]).0[..4]);
        assert_eq!(note.signatures[0].signature.len(), 72);
        note.signatures[0].signature[20] ^= 1;
        assert!(note.cosigned_by("city/a", &key.public()).is_err());
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
