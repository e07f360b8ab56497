//! A response body that can end before the length it promised.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

/// The bytes that are still to be sent, and the length that was promised.
pub(crate) struct Cut {
    left: Option<Bytes>,
    promised: u64,
    breaks: bool,
}

impl Cut {
    pub(crate) fn whole(body: Vec<u8>) -> Self {
        Self { promised: body.len() as u64, left: (!body.is_empty()).then(|| body.into()), breaks: false }
    }

    /// The first half; an empty body promises one byte, so that it too comes up short.
    pub(crate) fn half(body: Vec<u8>) -> Self {
        let sent = body.get(..body.len() / 2).unwrap_or_default().to_vec();
        Self {
            left: (!sent.is_empty()).then(|| sent.into()),
            promised: (body.len() as u64).max(1),
            breaks: true,
        }
    }
}

impl Body for Cut {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.left.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None if self.breaks => Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_none() && !self.breaks
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
