//! A kept connection that reads answers of any length and keeps nothing of them: the load must not use what it measures.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);
const BUFFER_BYTES: usize = 64 * 1024;
/// Of each answer the end is kept: it says whether all of it came, or what went wrong.
const END_BYTES: usize = 300;
const LINE_BYTES_MAX: usize = 16 * 1024;
/// Stands once in the body for each subject of a batch that was answered.
const ANSWERED: &[u8] = b"\"status\":200,";

/// A connection to a node or a service.
pub struct Connection {
    stream: BufReader<TcpStream>,
    line: String,
    /// Whether answers are batches, whose subjects are counted.
    counts: bool,
}

/// What came.
#[derive(Debug, Default)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Bytes of the body.
    pub bytes: usize,
    /// Subjects of a batch that were answered.
    pub answered: usize,
    /// Its end.
    pub end: Vec<u8>,
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what.to_owned())
}

impl Connection {
    /// Connects to `host:port`; `counts` says whether to count the answered subjects of batches.
    ///
    /// # Errors
    /// The system's.
    pub async fn open(address: &str, counts: bool) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(BUFFER_BYTES, stream), line: String::new(), counts })
    }

    /// Sends a whole request and reads the whole answer.
    ///
    /// # Errors
    /// A connection that ends, or an answer that cannot be read.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer> {
        timeout(PATIENCE, self.exchange(request)).await.map_err(|_| Error::from(ErrorKind::TimedOut))?
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        self.read_line().await?;
        let status = self.line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut answer = Answer { status: status.ok_or_else(|| wrong("no status"))?, ..Answer::default() };
        let mut length = None;
        loop {
            self.read_line().await?;
            let Some((name, value)) = self.line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse::<usize>().ok();
            }
        }
        match length {
            Some(length) => take(&mut self.stream, length, self.counts, &mut answer).await?,
            None => self.read_chunks(&mut answer).await?,
        }
        Ok(answer)
    }

    /// RFC 9112, 7.1.
    async fn read_chunks(&mut self, answer: &mut Answer) -> Result<()> {
        loop {
            self.read_line().await?;
            let size = usize::from_str_radix(self.line.trim(), 16).map_err(|_| wrong("neither a length nor chunks"))?;
            take(&mut self.stream, size, self.counts, answer).await?;
            self.read_line().await?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    async fn read_line(&mut self) -> Result<()> {
        self.line.clear();
        match self.stream.read_line(&mut self.line).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            length if length > LINE_BYTES_MAX => Err(wrong("a line is too long")),
            _ => {
                self.line.truncate(self.line.trim_end().len());
                Ok(())
            }
        }
    }
}

async fn take(
    stream: &mut (impl AsyncBufRead + Unpin),
    mut rest: usize,
    counts: bool,
    answer: &mut Answer,
) -> Result<()> {
    while rest > 0 {
        let there = stream.fill_buf().await?;
        let part = there.get(..rest.min(there.len())).unwrap_or_default();
        if part.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if counts {
            answer.answered += count(&answer.end, part);
        }
        answer.end.extend_from_slice(part.get(part.len().saturating_sub(END_BYTES)..).unwrap_or_default());
        let surplus = answer.end.len().saturating_sub(END_BYTES);
        answer.end.drain(..surplus);
        let length = part.len();
        stream.consume(length);
        (answer.bytes, rest) = (answer.bytes + length, rest - length);
    }
    Ok(())
}

/// Answered subjects in a part of an answer, and between it and the end of what came before.
fn count(before: &[u8], part: &[u8]) -> usize {
    let cut = ANSWERED.len() - 1;
    let before = before.get(before.len().saturating_sub(cut)..).unwrap_or_default();
    let seam = [before, part.get(..part.len().min(cut)).unwrap_or_default()].concat();
    [&seam, part].into_iter().flat_map(|bytes| bytes.windows(ANSWERED.len())).filter(|it| *it == ANSWERED).count()
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn answers_with_a_length_and_in_chunks_are_read_one_after_the_other() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let long = format!("{:x}\r\n{}\r\n", 70_000, "x".repeat(70_000));
            let answers = format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{long}3\r\nend\r\n0\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"
            );
            stream.write_all(answers.as_bytes()).await.unwrap();
            // What is not read when it closes would break the connection.
            stream.read_exact(&mut [0; 6]).await.unwrap();
        });
        let mut connection = Connection::open(&address, false).await.unwrap();
        let first = connection.send(b"GET").await.unwrap();
        assert_eq!((first.status, first.bytes, first.end.len()), (200, 70_003, END_BYTES));
        assert!(first.end.ends_with(b"xend"));
        let second = connection.send(b"GET").await.unwrap();
        assert_eq!((second.status, second.end.as_slice()), (503, &b"busy"[..]));
        answering.await.unwrap();
        assert!(connection.send(b"GET").await.is_err(), "the other side has gone");
    }

    #[tokio::test]
    async fn each_answered_subject_of_a_batch_is_counted_wherever_the_stream_is_cut() {
        let body = r#"[{"status":200,"x":"\"status"},{"status":404,},{"status":200,}]"#.as_bytes();
        for size in 1..=body.len() {
            let mut answer = Answer::default();
            for part in body.chunks(size) {
                take(&mut BufReader::new(part), part.len(), true, &mut answer).await.unwrap();
            }
            assert_eq!((answer.answered, answer.bytes), (2, body.len()), "in pieces of {size}");
        }
    }
}
