//! A server on this machine that answers as a text says.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// As many requests are answered of one text: a list without an end has one.
const MOST: usize = 40;

/// Answers to requests that have a word in them; the last one to all others.
#[derive(Clone, Default)]
pub(super) struct Script {
    answers: Vec<Answer>,
    given: usize,
}

#[derive(Clone)]
struct Answer {
    /// Stands in the requests that it is for.
    word: String,
    status: u16,
    /// Whole lines of headers.
    headers: String,
    body: String,
}

impl Script {
    /// Each answer begins with a line `# STATUS WORD`; its headers are lines that begin with `> `.
    pub(super) fn of(text: &str) -> Self {
        let answers = text.strip_prefix("# ").unwrap_or(text).split("\n# ").map(|part| {
            let (first, body) = part.split_once('\n').unwrap_or((part, ""));
            let (status, word) = first.split_once(' ').unwrap_or((first, ""));
            // What makes a client wait is left out.
            let status =
                status.parse().ok().filter(|status| matches!(status, 200..=204 | 400..=404 | 409 | 422));
            let (headers, body) = with_headers(body);
            Answer { word: word.to_owned(), status: status.unwrap_or(200), headers, body: body.to_owned() }
        });
        Self { answers: answers.collect(), given: 0 }
    }

    fn answer(&mut self, request: &str) -> String {
        self.given += 1;
        let fits = |answer: &&Answer| !answer.word.is_empty() && request.contains(&answer.word);
        let found = self.answers.iter().find(fits).or(self.answers.last());
        let (status, headers, body) = match found.filter(|_| self.given <= MOST) {
            Some(answer) => (answer.status, answer.headers.as_str(), answer.body.as_str()),
            None => (404, "", ""),
        };
        let length = body.len();
        format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}")
    }
}

/// The headers, as far as they can be sent, and the rest.
fn with_headers(text: &str) -> (String, &str) {
    let (mut headers, mut rest) = (String::new(), text);
    while let Some(after) = rest.strip_prefix("> ") {
        let (line, below) = after.split_once('\n').unwrap_or((after, ""));
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let waits = ["retry-after", "content-length", "transfer-encoding", "connection"]
            .contains(&name.trim())
            || name.contains("ratelimit");
        if !waits && line.contains(':') && !line.contains(['\r', '\0']) {
            headers.push_str(line);
            headers.push_str("\r\n");
        }
        rest = below;
    }
    (headers, rest)
}

/// The server, which runs as long as something on its runtime does.
pub(super) struct Server {
    pub(super) origin: String,
    script: Arc<Mutex<Script>>,
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("it is bound"));
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = Arc::clone(&script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { origin, script }
    }

    /// Answers by this text from now on.
    pub(super) fn play(&self, text: &str) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = Script::of(text);
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Mutex<Script>>) -> Option<()> {
    let mut buffer = Vec::new();
    loop {
        let (length, end) = loop {
            if let Some(whole) = whole(&buffer) {
                break whole;
            }
            if stream.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        };
        while buffer.len() < end + length {
            if stream.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        }
        let request = String::from_utf8_lossy(&buffer[..end + length]).into_owned();
        buffer.drain(..end + length);
        let answer = script.lock().unwrap_or_else(PoisonError::into_inner).answer(&request);
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// The length of a request's body, and where its head ends, once that is there.
fn whole(buffer: &[u8]) -> Option<(usize, usize)> {
    let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    Some((length.and_then(|length| length.trim().parse().ok()).unwrap_or(0), end))
}
