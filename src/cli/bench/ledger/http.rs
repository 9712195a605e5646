//! A kept connection over which requests go as cheaply as they can: the load must not use the time that it measures.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// No answer takes longer, or the measurement has failed.
const PATIENCE: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A connection to a node.
pub struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

/// An answer; its body lies in the connection until the next request.
pub struct Answer<'a> {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what.to_owned())
}

impl Connection {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// The system's.
    pub async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, request: Vec::new(), answer: Vec::new() })
    }

    /// Sends a request with these head lines, each with its line's end, and waits for the answer.
    ///
    /// # Errors
    /// A connection that ends, or an answer that cannot be read.
    pub async fn send(&mut self, head: &str, body: &[u8]) -> Result<Answer<'_>> {
        self.request.clear();
        self.request.extend_from_slice(head.as_bytes());
        self.request.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        self.request.extend_from_slice(body);
        timeout(PATIENCE, self.exchange()).await.map_err(|_| Error::from(ErrorKind::TimedOut))?
    }

    async fn exchange(&mut self) -> Result<Answer<'_>> {
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        let head = loop {
            if let Some(end) = self.answer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.read().await?;
        };
        let text = self.answer.get(..head).and_then(|head| std::str::from_utf8(head).ok());
        let text = text.ok_or_else(|| wrong("a head that is no text"))?;
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| wrong("no status"))?;
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let end = head + length.ok_or_else(|| wrong("an answer without a length"))?;
        while self.answer.len() < end {
            self.read().await?;
        }
        Ok(Answer { status, body: self.answer.get(head..end).unwrap_or_default() })
    }

    async fn read(&mut self) -> Result<()> {
        if self.answer.len() > ANSWER_BYTES_MAX {
            return Err(wrong("an answer is too long"));
        }
        self.answer.reserve(16 * 1024);
        match self.stream.read_buf(&mut self.answer).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
