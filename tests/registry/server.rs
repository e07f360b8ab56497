//! A registry of a few lines on this machine, which answers what a test tells it and keeps what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

/// What is answered: status, headers, body.
pub(crate) type Answer = (u16, Vec<(&'static str, String)>, String);

pub(crate) struct Server {
    /// `http://127.0.0.1:PORT`
    pub(crate) origin: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Server {
    /// Starts a server whose answers are a function of what is asked and of its own origin.
    pub(crate) fn start(answer: impl Fn(&Call, &str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let server = Self { origin: origin.clone(), calls: calls.clone() };
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, calls, origin) = (answer.clone(), calls.clone(), origin.clone());
                std::thread::spawn(move || {
                    let call = read(&stream);
                    calls.lock().unwrap().push(call.clone());
                    write(stream, &call.method, answer(&call, &origin));
                });
            }
        });
        server
    }

    /// What was asked so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// `METHOD /path` of what was asked so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.calls().iter().map(|call| format!("{} {}", call.method, call.target)).collect()
    }
}

/// The header that a user name and password make.
pub(crate) fn basic(username: &str, password: &str) -> Option<String> {
    Some(format!("Basic {}", STANDARD.encode(format!("{username}:{password}"))))
}

pub(crate) fn answer(status: u16, body: &str) -> Answer {
    (status, Vec::new(), body.to_owned())
}

/// As a GitHub Enterprise Server does that tells no limits: at GitHub itself a thousand requests take more than a minute.
pub(crate) fn without_limits(status: u16, body: &str) -> Answer {
    (status, vec![("x-github-enterprise-version", "3.17.0".to_owned())], body.to_owned())
}

pub(crate) fn challenge(value: String) -> Answer {
    (401, vec![("www-authenticate", value)], String::new())
}

fn read(stream: &TcpStream) -> Call {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut call = Call {
        method: words.next().unwrap_or_default(),
        target: words.next().unwrap_or_default(),
        ..Call::default()
    };
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => call.authorization = Some(value.to_owned()),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    call.body = String::from_utf8(body).unwrap();
    call
}

fn write(mut stream: TcpStream, method: &str, (status, headers, body): Answer) {
    let mut text = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += "\r\n";
    if method != "HEAD" {
        text += &body;
    }
    // A client that has read enough hangs up.
    let _ = stream.write_all(text.as_bytes());
}
