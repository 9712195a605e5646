//! A tiny web server for static files, which also takes what is posted to it. One thread; ends with the tests.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Path to content.
pub type Files = BTreeMap<String, Vec<u8>>;

#[derive(Default)]
struct Shelf {
    files: Files,
    posted: Vec<String>,
}

/// The server.
pub struct FileServer {
    /// Its address.
    pub url: String,
    shelf: Arc<Mutex<Shelf>>,
}

impl FileServer {
    /// Serves nothing yet, at a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shelf: Arc<Mutex<Shelf>> = Arc::default();
        let shared = shelf.clone();
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| _ = answer(&stream, &shared)));
        Self { url, shelf }
    }

    /// Serves these files from now on, and no others.
    pub fn serve(&self, files: Files) {
        self.shelf.lock().unwrap().files = files;
    }

    /// The bodies posted so far.
    pub fn posted(&self) -> Vec<String> {
        self.shelf.lock().unwrap().posted.clone()
    }
}

fn answer(mut stream: &TcpStream, shelf: &Mutex<Shelf>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut shelf = shelf.lock().unwrap();
    let (status, content) = if method == "POST" {
        shelf.posted.push(String::from_utf8_lossy(&body).into_owned());
        ("204 No Content", Vec::new())
    } else {
        shelf.files.get(path).map_or(("404 Not Found", Vec::new()), |content| ("200 OK", content.clone()))
    };
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", content.len())?;
    stream.write_all(&content)
}
