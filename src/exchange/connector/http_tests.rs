//! The HTTP connector against a real server on a real socket: places, secrets, pages, and everything that goes wrong.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{ConnectorError, ConnectorFile, Connectors, Page};

/// One request as it came.
#[derive(Clone, Debug)]
struct Came {
    line: String,
    headers: String,
    body: String,
}

/// A service that answers as its function says; nothing said, it closes the connection.
struct Server {
    port: u16,
    came: Arc<Mutex<Vec<Came>>>,
    accepting: Option<JoinHandle<()>>,
}

type Answers = fn(&Came, &mut TcpStream);

impl Server {
    fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let came = Arc::new(Mutex::new(Vec::new()));
        let seen = came.clone();
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Some(mut stream) = stream.ok() else { continue };
                let Some(request) = read(&stream) else { return };
                seen.lock().push(request.clone());
                std::thread::spawn(move || answers(&request, &mut stream));
            }
        });
        Self { port, came, accepting: Some(accepting) }
    }

    fn connectors(&self, more: &str) -> Connectors {
        connectors(self.port, more)
    }

    fn last(&self) -> Came {
        self.came.lock().last().cloned().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A connection that says nothing ends the loop.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn read(stream: &TcpStream) -> Option<Came> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let (mut headers, mut length) = (String::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        headers.push_str(&header);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Came { line: line.trim().to_owned(), headers, body: String::from_utf8(body).ok()? })
}

fn say(stream: &mut TcpStream, status: &str, body: &str) {
    let length = body.len();
    let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
}

fn connectors(port: u16, more: &str) -> Connectors {
    let text = format!(
        "version = 1\n[[connector]]\nentry = \"aa/bb\"\nkind = \"http\"\nurl = \"http://127.0.0.1:{port}/people/{{id}}/card\"
         items = {{ name = \"/person/name\", size = \"size\" }}\n{more}"
    );
    Connectors::new(ConnectorFile::parse(&text).unwrap(), std::path::Path::new("/"))
}

async fn ask(connectors: &Connectors, params: Value, cursor: Option<&str>) -> Result<Page, ConnectorError> {
    connectors.fetch(&"aa/bb".parse().unwrap(), params.as_object().unwrap(), cursor).await
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_and_secrets_stay_in_their_places() {
    let server = Server::start(|_, stream| {
        say(
            stream,
            "200 OK",
            r#"{"data": {"list": [{"person": {"name": "王"}, "size": null, "more": 1}, {"size": 2}]}}"#,
        );
    });
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), "s3cret\n").unwrap();
    let place = dir.path().join("token");
    let more = format!(
        "rows = \"/data/list\"\nparams = {{ zone = \"Zone[]\" }}\n
         headers = {{ X-Token = {{ file = \"{}\", prefix = \"Bearer \" }} }}",
        place.display()
    );
    let service = server.connectors(&more);
    let page = ask(&service, json!({"id": "../x?y", "zone": "a&b=c"}), None).await.unwrap();
    assert_eq!((json!(page.rows), page.next_cursor), (json!([{"name": "王"}, {"size": 2}]), None));
    let came = server.last();
    assert_eq!(came.line, "GET /people/..%2Fx%3Fy/card?Zone%5B%5D=a%26b%3Dc HTTP/1.1");
    assert!(came.headers.contains("x-token: Bearer s3cret\r\n"), "{}", came.headers);

    let posting = server.connectors(&format!("{more}\nmethod = \"POST\""));
    ask(&posting, json!({"id": 7, "zone": "\"}"}), None).await.unwrap();
    let came = server.last();
    assert_eq!((came.line.as_str(), came.body.as_str()), ("POST /people/7/card HTTP/1.1", r#"{"Zone[]":"\"}"}"#));

    let unknown = ask(&service, json!({"id": 1, "other": 1}), None).await;
    assert_eq!(unknown, Err(ConnectorError::UnknownParameter("other".into())));
    assert_eq!(ask(&service, json!({"zone": "x"}), None).await, Err(ConnectorError::Parameter("id".into())));
    std::fs::remove_file(place).unwrap();
    let error = ask(&service, json!({"id": 1}), None).await.unwrap_err().to_string();
    assert!(error.contains("cannot be read") && !error.contains("s3cret"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_does_wrong_is_told_as_what_it_is() {
    let server = Server::start(|came, stream| {
        let (_, case) = came.line.split_once("/people/").unwrap();
        match case.split('/').next().unwrap() {
            "json" => say(stream, "200 OK", "<html>"),
            "pointer" => say(stream, "200 OK", r#"{"else": []}"#),
            "kind" => say(stream, "200 OK", r#"{"list": 7}"#),
            "row" => say(stream, "200 OK", r#"{"list": [7]}"#),
            "many" => say(stream, "200 OK", r#"{"list": [{}, {}, {}]}"#),
            "long" => say(stream, "200 OK", &format!("{{\"list\": \"{}\"}}", "x".repeat(2_000))),
            "redirect" => {
                let _ =
                    write!(stream, "HTTP/1.1 302 Found\r\nlocation: /people/none/card\r\ncontent-length: 0\r\n\r\n");
            }
            "forbidden" => say(stream, "403 Forbidden", ""),
            "busy" => say(stream, "429 Too Many Requests", ""),
            "none" => say(stream, "404 Not Found", ""),
            "cut" => {
                let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{{");
            }
            "slow" => {
                let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n");
                // Until the caller goes away.
                let _ = stream.read(&mut [0]);
            }
            _ => say(stream, "500 Oops", "secret stack trace"),
        }
    });
    let service = || server.connectors("rows = \"/list\"\nrow_max = 2\nbytes_max = 1000\ntimeout_ms = 400");
    for (case, said) in [
        ("json", "is not JSON"),
        ("pointer", "nothing at the pointer"),
        ("kind", "neither a list nor an object"),
        ("row", "a row is not an object"),
        ("many", "more rows than row_max"),
        ("long", "longer than 1000 bytes"),
        ("redirect", "status 302"),
        ("forbidden", "status 403"),
        ("none", "status 404"),
    ] {
        match ask(&service(), json!({"id": case}), None).await {
            Err(ConnectorError::Broken(why)) => assert!(why.contains(said), "{case}: {why}"),
            other => panic!("{case}: {other:?}"),
        }
    }
    assert_eq!(ask(&service(), json!({"id": "busy"}), None).await, Err(ConnectorError::Overloaded));
    let begun = Instant::now();
    assert_eq!(ask(&service(), json!({"id": "slow"}), None).await, Err(ConnectorError::Late(400)));
    assert!(begun.elapsed() < Duration::from_secs(3));
    for case in ["cut", "500"] {
        let error = ask(&service(), json!({"id": case}), None).await.unwrap_err();
        assert!(matches!(&error, ConnectorError::Unreachable(why) if !why.contains("stack")), "{case}: {error}");
    }
    let empty = server.connectors("rows = \"/list\"\nempty_on_404 = true");
    assert_eq!(ask(&empty, json!({"id": "none"}), None).await, Ok(Page::default()));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_safe_is_asked_twice_and_a_dead_service_is_left_alone() {
    let server = Server::start(|_, stream| say(stream, "503 Away", ""));
    let getting = server.connectors("");
    assert!(matches!(ask(&getting, json!({"id": 1}), None).await, Err(ConnectorError::Unreachable(_))));
    assert_eq!(server.came.lock().len(), 2);
    let posting = server.connectors("method = \"POST\"");
    assert!(ask(&posting, json!({"id": 1}), None).await.is_err());
    assert_eq!(server.came.lock().len(), 3, "a POST may have done something");
    let port = server.port;
    drop(server);
    let dead = connectors(port, "");
    for _ in 0..5 {
        assert!(matches!(ask(&dead, json!({"id": 1}), None).await, Err(ConnectorError::Unreachable(_))));
    }
    assert!(matches!(ask(&dead, json!({"id": 1}), None).await, Err(ConnectorError::Resting(1..=3))));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_the_service_s_own_way() {
    let server = Server::start(|came, stream| {
        let answer = match came.line.split_once('?').map_or("", |(_, query)| query.split(' ').next().unwrap()) {
            "offset=0&limit=2" | "page=1" => r#"{"list": [{"size": 1}, {"size": 2}]}"#,
            "offset=2&limit=2" | "page=2" | "after=k%3D2" => r#"{"list": [{"size": 3}], "next": null}"#,
            "" => r#"{"list": [{"size": 1}], "next": "k=2"}"#,
            _ => r#"{"list": [], "next": "again"}"#,
        };
        say(stream, "200 OK", answer);
    });
    for (paging, rows) in [
        ("{ by = \"offset\", param = \"offset\", size_param = \"limit\" }", 3),
        ("{ by = \"page\", param = \"page\" }", 3),
        ("{ by = \"cursor\", param = \"after\", next = \"/next\" }", 2),
    ] {
        let service = server.connectors(&format!("rows = \"/list\"\nrow_max = 2\npaging = {paging}"));
        let first = ask(&service, json!({"id": 1}), None).await.unwrap();
        let second = ask(&service, json!({"id": 1}), first.next_cursor.as_deref()).await.unwrap();
        assert_eq!((first.rows.len() + second.rows.len(), second.next_cursor), (rows, None), "{paging}");
        assert_eq!(ask(&service, json!({"id": 1}), Some("{}")).await, Err(ConnectorError::Cursor));
    }
    let endless = server.connectors("rows = \"/list\"\npaging = { by = \"cursor\", param = \"x\", next = \"/next\" }");
    let error = ask(&endless, json!({"id": 1}), Some("\"again\"")).await.unwrap_err();
    assert!(error.to_string().contains("same page"), "{error}");
}
