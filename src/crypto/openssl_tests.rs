//! What we write, the system's OpenSSL reads, and the other way round. Without the program these tests do nothing.

use std::path::Path;
use std::process::{Command, Stdio};

use aes_gcm::aead::{Aead as _, Payload, consts::U12};
use aes_gcm::{AesGcm, KeyInit as _, Nonce};
use pkcs8::der::{Decode as _, Encode as _};
use sm2::pke::{Cipher, Mode};
use sm4::Sm4;
use sm4::cipher::BlockCipherEncrypt as _;

use super::digest::sm3;
use super::keyring::{Keyring, SEALING_FILE, SIGNING_FILE};
use super::seal;
use super::secret::Secret;
use super::sign::{Algorithm, SigningKey};
use super::{key_file, sm2_keys};

const DISTID: &str = "distid:1234567812345678";

/// A folder in which OpenSSL runs.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn dir(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.dir().join(name), bytes).unwrap();
    }

    /// What it answers on standard output; `None` without the program.
    fn run(&self, arguments: &[&str]) -> Option<Vec<u8>> {
        let output = Command::new("openssl").args(arguments).current_dir(self.dir()).stdin(Stdio::null()).output();
        let Ok(output) = output else {
            eprintln!("not tested: there is no openssl");
            return None;
        };
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Some(output.stdout)
    }

    /// HKDF-SM3 of a secret: 16 bytes.
    fn hkdf(&self, secret: &[u8], salt: &[u8], info: &[u8]) -> Vec<u8> {
        let option = |name: &str, bytes: &[u8]| format!("{name}:{}", hex::encode(bytes));
        let (key, salt, info) = (option("hexkey", secret), option("hexsalt", salt), option("hexinfo", info));
        let options = ["digest:SM3", &key, &salt, &info];
        let mut arguments = vec!["kdf", "-binary", "-keylen", "16"];
        options.iter().for_each(|option| arguments.extend(["-kdfopt", option]));
        arguments.push("HKDF");
        self.run(&arguments).unwrap()
    }

    /// SM4-CTR, which SM4-GCM is made of: its first block of text is counter 2. The programs of OpenSSL 3.0 offer no
    /// GCM; the tag is checked against RFC 8998 alone.
    fn sm4_ctr(&self, key: &[u8], nonce: &[u8], text: &[u8]) -> Vec<u8> {
        self.write("text", text);
        let counter = hex::encode([nonce, &[0, 0, 0, 2]].concat());
        self.run(&["enc", "-e", "-sm4-ctr", "-in", "text", "-K", &hex::encode(key), "-iv", &counter]).unwrap()
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn keys(bench: &Bench, algorithm: Algorithm) -> Keyring {
    let keys = Keyring::generate(algorithm).unwrap();
    keys.save(bench.dir(), None).unwrap();
    keys
}

#[test]
fn openssl_reads_the_signing_keys_and_accepts_their_signatures() {
    for algorithm in [Algorithm::Ed25519, Algorithm::Sm2] {
        let bench = Bench::new();
        let keys = keys(&bench, algorithm);
        let public = keys.signing.public();
        let mut signature = keys.signing.sign(b"hello");
        let mut verify =
            vec!["pkeyutl", "-verify", "-inkey", SIGNING_FILE, "-rawin", "-in", "message", "-sigfile", "s"];
        if algorithm == Algorithm::Sm2 {
            signature = sm2::dsa::Signature::from_slice(&signature).unwrap().to_der().to_vec();
            verify.extend(["-digest", "sm3", "-pkeyopt", DISTID]);
        }
        bench.write("message", b"hello");
        bench.write("s", &signature);
        let Some(read) = bench.run(&["pkey", "-in", SIGNING_FILE, "-pubout", "-outform", "DER"]) else { return };
        assert_eq!(&read[read.len() - public.as_bytes().len()..], public.as_bytes());
        bench.run(&verify);
    }
}

#[test]
fn openssl_s_sm2_keys_and_signatures_are_ours() {
    let bench = Bench::new();
    bench.write("message", b"hello");
    if bench.run(&["genpkey", "-algorithm", "SM2", "-out", SIGNING_FILE]).is_none() {
        return;
    }
    let der = key_file::read(&bench.dir().join(SIGNING_FILE), None).unwrap();
    let (kind, secret) = key_file::decode(&der).unwrap();
    assert_eq!(kind, key_file::KeyKind::Sm2);
    let key = SigningKey::from_secret(Algorithm::Sm2, &secret).unwrap();
    let public = bench.run(&["pkey", "-in", SIGNING_FILE, "-pubout", "-outform", "DER"]).unwrap();
    assert_eq!(&public[public.len() - sm2_keys::POINT_BYTES..], key.public().as_bytes());
    for _ in 0..4 {
        let sign = ["pkeyutl", "-sign", "-inkey", SIGNING_FILE, "-rawin", "-digest", "sm3", "-pkeyopt", DISTID];
        let der = bench.run(&[&sign[..], &["-in", "message"]].concat()).unwrap();
        let signature = sm2::dsa::Signature::from_der(&der).unwrap().to_bytes();
        assert!(key.public().verify(b"hello", &signature).is_ok());
        assert!(key.public().verify(b"hellp", &signature).is_err());
    }
}

#[test]
fn openssl_opens_what_we_sealed_to_x25519() {
    let bench = Bench::new();
    let keys = keys(&bench, Algorithm::Ed25519);
    let sealed = seal::seal(&keys.sealing.public(), b"context", b"to be read").unwrap();
    let (ephemeral, nonce, text) = (&sealed[1..33], &sealed[33..45], &sealed[45..sealed.len() - 16]);
    bench.write("peer.der", &[&hex::decode("302a300506032b656e032100").unwrap(), ephemeral].concat());
    let derive = ["pkeyutl", "-derive", "-inkey", SEALING_FILE, "-peerkey", "peer.der", "-peerform", "DER"];
    let Some(shared) = bench.run(&derive) else { return };
    let recipient = bench.run(&["pkey", "-in", SEALING_FILE, "-pubout", "-outform", "DER"]).unwrap();
    let salt = [ephemeral, &recipient[recipient.len() - 32..]].concat();
    let key = bench.hkdf(&shared, &salt, b"mulu-seal-v1\ncontext");
    assert_eq!(bench.sm4_ctr(&key, nonce, text), b"to be read");
}

#[test]
fn openssl_opens_what_we_sealed_to_sm2() {
    let bench = Bench::new();
    let keys = keys(&bench, Algorithm::Sm2);
    let sealed = seal::seal(&keys.sealing.public(), b"context", b"to be read").unwrap();
    assert_eq!(sealed[..3], [2, 0, 113]);
    let (encrypted, nonce, text) = (&sealed[3..116], &sealed[116..128], &sealed[128..sealed.len() - 16]);
    let cipher: Cipher<'_> = Cipher::from_slice(encrypted, Mode::C1C3C2).unwrap();
    bench.write("encrypted", &cipher.to_der().unwrap());
    let Some(secret) = bench.run(&["pkeyutl", "-decrypt", "-inkey", SEALING_FILE, "-in", "encrypted"]) else { return };
    let recipient = bench.run(&["pkey", "-in", SEALING_FILE, "-pubout", "-outform", "DER"]).unwrap();
    let key = bench.hkdf(&secret, &recipient[recipient.len() - 65..], b"mulu-seal-v2\ncontext");
    assert_eq!(bench.sm4_ctr(&key, nonce, text), b"to be read");
}

#[test]
fn what_openssl_encrypts_to_sm2_can_be_opened() {
    let bench = Bench::new();
    let keys = keys(&bench, Algorithm::Sm2);
    let (secret, nonce) = (random::<16>(), random::<12>());
    bench.write("secret", &secret);
    let Some(der) = bench.run(&["pkeyutl", "-encrypt", "-inkey", SEALING_FILE, "-in", "secret"]) else { return };
    let cipher: Cipher<'_> = Cipher::from_der(&der).unwrap();
    let mut sealed = [&[2, 0, 113], cipher.to_vec(Mode::C1C3C2, false).unwrap().as_slice()].concat();
    let recipient = bench.run(&["pkey", "-in", SEALING_FILE, "-pubout", "-outform", "DER"]).unwrap();
    let key = bench.hkdf(&secret, &recipient[recipient.len() - 65..], b"mulu-seal-v2\ncontext");
    let gcm = AesGcm::<Sm4, U12>::new_from_slice(&key).unwrap();
    let text = gcm.encrypt(&Nonce::from(nonce), Payload { msg: b"to be read", aad: &sealed }).unwrap();
    assert_eq!(bench.sm4_ctr(&key, &nonce, b"to be read"), text[..10]);
    sealed.extend([&nonce[..], &text].concat());
    assert_eq!(seal::open(&keys.sealing, b"context", &sealed).unwrap().as_slice(), b"to be read");
}

#[test]
fn openssl_opens_our_encrypted_keys_and_we_open_its_own() {
    let bench = Bench::new();
    let key_file = Secret::create_key_file(&bench.dir().join("x.secret")).unwrap();
    let passphrase = Secret::passphrase("correct horse battery").unwrap();
    bench.write("x.passphrase", b"correct horse battery\n");
    for (folder, algorithm, secret, source) in
        [("a", Algorithm::Ed25519, &key_file, "file:x.secret"), ("b", Algorithm::Sm2, &passphrase, "file:x.passphrase")]
    {
        let keys = Keyring::generate(algorithm).unwrap();
        keys.save(&bench.dir().join(folder), Some(secret)).unwrap();
        for file in [SIGNING_FILE, SEALING_FILE] {
            let path = format!("{folder}/{file}");
            if bench.run(&["pkey", "-in", &path, "-passin", source, "-out", file]).is_none() {
                return;
            }
            // What it writes into `again` is encrypted by itself alone.
            let again = ["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256", "-in", file, "-out"];
            let path = format!("again-{folder}/{file}");
            std::fs::create_dir_all(bench.dir().join(format!("again-{folder}"))).unwrap();
            bench.run(&[&again[..], &[&path, "-passout", source]].concat());
        }
        for (folder, secret) in [(".".to_owned(), None), (format!("again-{folder}"), Some(secret))] {
            let read = Keyring::load(&bench.dir().join(folder), secret).unwrap();
            assert_eq!(read.signing.public(), keys.signing.public());
            assert_eq!(read.sealing.public(), keys.sealing.public());
        }
    }
}

#[test]
fn openssl_s_sm3_is_ours() {
    let bench = Bench::new();
    let bytes = random::<5_000>();
    for length in [0, 1, 55, 56, 63, 64, 65, 119, 120, 1_000, 5_000] {
        bench.write("data", &bytes[..length]);
        let Some(digest) = bench.run(&["dgst", "-sm3", "-binary", "data"]) else { return };
        assert_eq!(sm3(&[&bytes[..length]]).0, digest[..], "{length} bytes");
    }
}

#[test]
fn openssl_s_sm4_is_ours() {
    let bench = Bench::new();
    for _ in 0..8 {
        let (key, iv, plain) = (random::<16>(), random::<16>(), random::<32>());
        bench.write("plain", &plain);
        let cipher = Sm4::new(&key.into());
        let encrypt = |block: [u8; 16]| -> [u8; 16] {
            let mut block = block.into();
            cipher.encrypt_block(&mut block);
            block.into()
        };
        let (first, second): ([u8; 16], [u8; 16]) = (plain[..16].try_into().unwrap(), plain[16..].try_into().unwrap());
        let (key, vector) = (hex::encode(key), hex::encode(iv));
        let run = |mode: &str, more: &[&str]| {
            bench.run(&[&["enc", "-e", mode, "-nopad", "-in", "plain", "-K", &key], more].concat())
        };
        let Some(ecb) = run("-sm4-ecb", &[]) else { return };
        assert_eq!(ecb, [encrypt(first), encrypt(second)].concat());
        let xor = |a: [u8; 16], b: [u8; 16]| std::array::from_fn(|n| a[n] ^ b[n]);
        let chained = encrypt(xor(first, iv));
        let cbc = run("-sm4-cbc", &["-iv", &vector]).unwrap();
        assert_eq!(cbc, [chained, encrypt(xor(second, chained))].concat());
    }
}
