//! A response body that can end before the length it promised, or come slowly.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

/// Between two bytes of a slow answer.
const DRIP: Duration = Duration::from_millis(500);

/// The bytes that are still to be sent, and the length that was promised.
pub(crate) struct Cut {
    left: Option<Bytes>,
    promised: u64,
    breaks: bool,
    drip: Option<Pin<Box<Sleep>>>,
}

impl Cut {
    pub(crate) fn whole(body: Vec<u8>) -> Self {
        let promised = body.len() as u64;
        let left = (!body.is_empty()).then(|| body.into());
        Self { promised, left, breaks: false, drip: None }
    }

    /// The first half; an empty body promises one byte, so that it too comes up short.
    pub(crate) fn half(body: Vec<u8>) -> Self {
        let sent = body.get(..body.len() / 2).unwrap_or_default().to_vec();
        Self {
            left: (!sent.is_empty()).then(|| sent.into()),
            promised: (body.len() as u64).max(1),
            breaks: true,
            drip: None,
        }
    }

    /// A byte at a time, and never the last one; of an empty body it is the one that is promised.
    pub(crate) fn slow(body: Vec<u8>) -> Self {
        let promised = (body.len() as u64).max(1);
        Self { left: Some(body.into()), promised, breaks: false, drip: Some(Box::pin(sleep(DRIP))) }
    }
}

impl Body for Cut {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Self { left, drip, .. } = &mut *self;
        if let (Some(drip), Some(left)) = (drip, left) {
            if left.len() < 2 {
                return Poll::Pending;
            }
            ready!(drip.as_mut().poll(context));
            drip.as_mut().reset(Instant::now() + DRIP);
            return Poll::Ready(Some(Ok(Frame::data(left.split_to(1)))));
        }
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
