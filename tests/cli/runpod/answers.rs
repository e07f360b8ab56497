//! Answers that RunPod itself would not give: those of a proxy in front of it, and those that repeat the key.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::*;

const KEY: &str = "rpa_REPEATED0123456789";

/// Answers every request with this status and body; the address. The thread ends with the test's process.
fn answering(status: u16, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream, status, body);
        }
    });
    format!("http://{address}")
}

fn answer(mut stream: TcpStream, status: u16, body: &str) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let head = lines.map_while(Result::ok).take_while(|line| !line.is_empty());
    assert!(head.count() > 0);
    let length = body.len();
    // The client may have gone.
    let _ = write!(
        stream,
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
}

fn asking(status: u16, body: &'static str) -> Place {
    let mut place = place(account());
    place.set("RUNPOD_API_URL", &answering(status, body));
    place.set("RUNPOD_API_KEY", KEY);
    place
}

#[test]
fn a_proxys_fault_in_the_shape_of_an_older_api_is_told_with_its_status_and_blames_no_address() {
    for body in ["{\"message\":\"upstream timed out\"}", "{\"error\":\"bad gateway\"}"] {
        let ran = asking(502, body).run(&["plan"]);
        ran.says("the answer (502)");
        assert!(!ran.stdout.contains("RUNPOD_API_URL"), "{}", ran.stdout);
    }
}

#[test]
fn a_refused_key_is_a_login_that_failed_whatever_the_answers_shape() {
    asking(401, "{\"message\":\"Unauthorized\"}").run(&["sync", "--yes"]).ends(4);
}

#[test]
fn an_answer_that_repeats_the_key_is_printed_without_it() {
    let body = "{\"title\":\"x\",\"status\":403,\"detail\":\"key rpa_REPEATED0123456789 may not do this\"}";
    for arguments in [&["plan"][..], &["plan", "--json", "-vvv"]] {
        let ran = asking(403, body).run(arguments);
        assert!(ran.stdout.contains("key *** may not do this"), "{}", ran.stdout);
        assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY), "{}\n{}", ran.stdout, ran.stderr);
    }
}
