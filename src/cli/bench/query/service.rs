//! The provider's own HTTP service, as small as it can be: what a query costs without us.

use std::io::Result;
use std::sync::Arc;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::cli::error::CliError;

/// Bytes of a row's JSON with the comma after it.
pub const ROW_BYTES: usize = 1_000;
/// Items of a row beside the one that names its subject.
pub const TEXTS: usize = 9;
const BLOCK_ROWS: usize = 1_000;
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// A running service; it ends with this.
pub struct Service {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    // Ends its threads when it is dropped.
    _runtime: Runtime,
}

struct Runtime(Option<tokio::runtime::Runtime>);

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Service {
    /// Starts it on a thread of its own, by whose name its processor time is told from the load's.
    ///
    /// # Errors
    /// The system's.
    pub fn start() -> std::result::Result<Self, CliError> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("service").enable_io().build().map_err(CliError::failed)?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).map_err(CliError::failed)?;
        let port = listener.local_addr().map_err(CliError::failed)?.port();
        runtime.spawn(async move {
            let block: Arc<[u8]> = block().into();
            while let Ok((stream, _)) = listener.accept().await {
                let block = block.clone();
                tokio::spawn(async move { serve(stream, &block).await });
            }
        });
        Ok(Self { port, _runtime: Runtime(Some(runtime)) })
    }
}

/// Rows of [`ROW_BYTES`] each, one after the other.
fn block() -> Vec<u8> {
    let row = |text: usize| {
        let texts = (1..=TEXTS).map(|n| (format!("text_{n}"), json!("记".repeat(text / 3))));
        let mut row = serde_json::Map::from_iter([("id_number".to_owned(), json!("110101199003070134"))]);
        row.extend(texts);
        serde_json::Value::Object(row).to_string()
    };
    let mut row = row(87);
    // To the byte: spaces are allowed between rows.
    row.push(',');
    row.extend(std::iter::repeat_n(' ', ROW_BYTES.saturating_sub(row.len())));
    row.repeat(BLOCK_ROWS).into_bytes()
}

async fn serve(stream: TcpStream, block: &[u8]) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let rows = asked_rows(&line);
        let mut head = line.len();
        while line.trim() != "" {
            line.clear();
            head += stream.read_line(&mut line).await?;
            if head > HEAD_BYTES_MAX {
                return Ok(());
            }
        }
        answer(stream.get_mut(), block, rows).await?;
    }
}

/// How many rows the request line asks for: those of the page, or all.
fn asked_rows(line: &str) -> usize {
    let number = |name: &str| {
        let (_, rest) = line.split_once(name)?;
        rest.split(['&', ' ']).next()?.parse::<usize>().ok()
    };
    let all = number("rows=").unwrap_or(1).max(1);
    number("limit=").map_or(all, |limit| limit.min(all.saturating_sub(number("offset=").unwrap_or(0))))
}

async fn answer(stream: &mut TcpStream, block: &[u8], rows: usize) -> Result<()> {
    // The comma after the last row becomes the list's end.
    let length = rows * ROW_BYTES + 2;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n[");
    let last = block.get(..ROW_BYTES).unwrap_or_default();
    let end = last.iter().rposition(|byte| *byte == b',').unwrap_or_default();
    let mut rest = rows.saturating_sub(1) * ROW_BYTES;
    let mut bytes = head.into_bytes();
    while rest > 0 {
        let part = block.get(..rest.min(block.len())).unwrap_or_default();
        bytes.extend_from_slice(part);
        rest -= part.len();
        stream.write_all(&bytes).await?;
        bytes.clear();
    }
    if rows > 0 {
        bytes.extend_from_slice(last.get(..end).unwrap_or_default());
        bytes.extend(std::iter::repeat_n(b' ', ROW_BYTES - end));
    }
    bytes.push(b']');
    stream.write_all(&bytes).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_line_says_how_many_rows() {
        assert_eq!(asked_rows("GET /records?id_number=1&rows=2500 HTTP/1.1"), 2_500);
        let page = |offset| asked_rows(&format!("GET /r?id_number=1&rows=2500&offset={offset}&limit=1000 HTTP/1.1"));
        assert_eq!((page(0), page(1_000), page(2_000), page(3_000)), (1_000, 1_000, 500, 0));
    }

    #[test]
    fn every_answer_is_a_list_of_as_many_rows_in_as_many_bytes() {
        let service = Service::start().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            crate::crypto::tls::install_provider();
            let client = crate::cli::demo::client::http().unwrap();
            for rows in [1usize, 3, 2_500] {
                let url = format!("http://127.0.0.1:{}/records?rows={rows}", service.port);
                let text = client.get(url).send().await.unwrap().text().await.unwrap();
                let list: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
                assert_eq!((list.len(), text.len()), (rows, rows * ROW_BYTES + 2));
                assert_eq!(list[0].as_object().unwrap().len(), TEXTS + 1);
            }
        });
    }
}
