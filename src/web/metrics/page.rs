//! A page of numbers for programs that are no node: `GET /metrics`, and nothing else.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use parking_lot::Mutex;

use crate::web::error::WebError;

use super::TEXT_FORMAT;

const CONNECTIONS_MAX: usize = 64;

/// The page. All clones show the same.
#[derive(Clone, Default)]
pub struct TextPage {
    text: Arc<Mutex<String>>,
}

impl TextPage {
    /// Shows another text from now on.
    pub fn show(&self, text: String) {
        *self.text.lock() = text;
    }

    /// Serves it until the future is dropped. The address is taken when this returns.
    ///
    /// # Errors
    /// [`WebError`] when the address cannot be used.
    pub fn serve(
        &self,
        address: SocketAddr,
    ) -> Result<impl Future<Output = std::io::Result<()>> + Send + use<>, WebError> {
        let listener =
            TcpListener::bind(address).map_err(|cause| WebError::Listen { what: "metrics", address, cause })?;
        let page = Data::new(self.clone());
        let server =
            HttpServer::new(move || App::new().app_data(page.clone()).route("/metrics", web::get().to(answer)));
        Ok(server.workers(1).max_connections(CONNECTIONS_MAX).disable_signals().listen(listener)?.run())
    }
}

async fn answer(page: Data<TextPage>) -> HttpResponse {
    HttpResponse::Ok().content_type(TEXT_FORMAT).body(page.text.lock().clone())
}
