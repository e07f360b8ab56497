//! The client against a server on this machine.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A server that gives this answer to every request, and how many it has answered.
async fn server(status: u16, body: String) -> (Url, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
    let answered = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&answered);
    tokio::spawn(async move {
        let head =
            format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        while let Ok((mut stream, _)) = listener.accept().await {
            // The requests of these tests come in one piece.
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            count.fetch_add(1, Ordering::Relaxed);
            let _ = stream.write_all((head.clone() + &body).as_bytes()).await;
        }
    });
    (Url::parse(&url).expect("a URL"), answered)
}

fn client() -> Http {
    Http::new(&Env::default()).expect("a client")
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_a_fault_is_asked_about_again() {
    for (status, asked) in [(404, 1), (500, 3)] {
        let (url, answered) = server(status, String::new()).await;
        let answer = client().send(&Request::get(url)).await.expect("an answer");
        assert_eq!((answer.status, answered.load(Ordering::Relaxed)), (status, asked));
    }
}

#[tokio::test]
async fn writes_are_counted_once_they_are_answered_as_done_whatever_client_sent_them() {
    let http = client();
    let (done, _) = server(200, String::new()).await;
    let (refused, _) = server(403, String::new()).await;
    for (method, url, written) in [
        (Method::GET, &done, 0),
        (Method::POST, &refused, 0),
        (Method::POST, &done, 1),
        (Method::DELETE, &done, 2),
    ] {
        http.insecure(true).attempt(&Request::new(method, url.clone())).await.expect("an answer");
        assert_eq!(http.writes(), written);
    }
    for (operation, written) in [("GetSecretValue", 2), ("PutSecretValue", 3), ("DescribeSecret", 3)] {
        let request = http::Request::post(done.as_str()).body(Bytes::new()).expect("a request");
        http.exchange(request, Some(operation)).await.expect("an answer");
        assert_eq!(http.writes(), written, "{operation}");
    }
}

#[tokio::test]
async fn an_answer_is_read_up_to_64_kib() {
    for (length, read) in [(64 * 1024, true), (64 * 1024 + 1, false)] {
        let (url, _) = server(200, "x".repeat(length)).await;
        let answer = client().attempt(&Request::get(url)).await;
        assert_eq!(answer.is_ok_and(|answer| answer.body.len() == length), read, "{length}");
    }
}

#[tokio::test]
async fn why_no_connection_could_be_made_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
    drop(listener);
    let error =
        client().attempt(&Request::get(Url::parse(&url).expect("a URL"))).await.expect_err("nobody is there");
    let cause = error.detail.strip_prefix("no connection could be made: ").expect("its beginning");
    assert!(cause.contains("refused"), "{cause}");
}

#[test]
fn only_the_client_that_is_made_for_an_insecure_target_is_insecure() {
    let http = client();
    assert!(
        http.insecure(true).rules.insecure && !http.rules.insecure && !http.insecure(false).rules.insecure
    );
    assert_eq!(http.patience(Duration::from_secs(1)).insecure(true).rules.patience, Duration::from_secs(1));
    assert!(http.with_login_services().insecure(true).rules.login_services);
}
