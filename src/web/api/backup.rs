//! `/backup`: the whole node, streamed while it serves.

use std::io::{self, Write};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Sender, channel};

use crate::readmodel::local::ActKind;
use crate::service::Node;
use crate::web::extract::Caller;
use crate::web::problem::Problem;

/// Media type of a tar file.
pub const TAR: &str = "application/x-tar";
const CHUNK_BYTES: usize = 128 * 1024;
/// Chunks that wait for the reader.
const CHUNKS_MAX: usize = 8;
/// A reader that takes nothing for so long has gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is written becomes the answer's body, at the reader's pace.
struct Body {
    to: Sender<io::Result<Bytes>>,
    runtime: Handle,
    chunk: Vec<u8>,
}

impl Body {
    fn send(&self, chunk: io::Result<Bytes>) -> io::Result<()> {
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the reader has gone");
        self.runtime.block_on(self.to.send_timeout(chunk, PATIENCE)).map_err(gone)
    }
}

impl Write for Body {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::take(&mut self.chunk);
        self.send(Ok(chunk.into()))
    }
}

/// **Permissions**: admin.
pub async fn download(node: Data<Node>, caller: Caller) -> Result<HttpResponse, Problem> {
    let backup = node.begin_backup(&caller.0)?;
    let (to, from) = channel(CHUNKS_MAX);
    let mut body = Body { to, runtime: Handle::current(), chunk: Vec::new() };
    let writing = std::thread::Builder::new().name("backup".into()).spawn(move || {
        if let Err(error) = backup.write(&mut body) {
            tracing::error!(%error, "a backup was given up");
            // The answer breaks off, so that nobody takes it for whole.
            let _ = body.send(Err(io::Error::other("the backup was given up")));
        }
    });
    writing.map_err(Problem::internal)?;
    node.note(&caller.0, ActKind::BackupTaken, "", "").await;
    let chunks = futures_util::stream::unfold(from, |mut from| async { Some((from.recv().await?, from)) });
    let name = format!("attachment; filename=\"{}.mulu-backup\"", node.department);
    Ok(HttpResponse::Ok().content_type(TAR).insert_header((header::CONTENT_DISPOSITION, name)).streaming(chunks))
}
