//! Sending again: one policy for every system, and one way to wait until something has come about.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::DateTime;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName};

use super::header;

/// What may be done after a failed request, known from where it failed and never from the text of the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Retry {
    /// It had no effect, or reading twice does no harm: the same request may be sent again.
    Safe,
    /// It may have had its effect: look first.
    ObserveFirst,
    /// The same request would fail in the same way.
    Never,
}

/// Why one try gave no answer.
#[derive(Debug)]
pub enum TryError<E> {
    /// Another try would fail in the same way.
    Final(E),
    /// The server had no time for it and asks to wait; it had no effect.
    Wait(Duration, E),
    /// It did not reach the server.
    Unsent(E),
    /// The connection or the server broke; it may have had its effect.
    Fault(E),
}

impl<E> TryError<E> {
    /// The error itself.
    pub fn into_error(self) -> E {
        let (Self::Final(error) | Self::Wait(_, error) | Self::Unsent(error) | Self::Fault(error)) = self;
        error
    }

    /// The same trouble with another error.
    pub fn map<F>(self, with: impl FnOnce(E) -> F) -> TryError<F> {
        match self {
            Self::Final(error) => TryError::Final(with(error)),
            Self::Wait(wait, error) => TryError::Wait(wait, with(error)),
            Self::Unsent(error) => TryError::Unsent(with(error)),
            Self::Fault(error) => TryError::Fault(with(error)),
        }
    }
}

/// How often, how fast and what is sent again.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How often a request is sent in all.
    pub tries: usize,
    /// How long it waits in between.
    pub pace: Pace,
    /// Whether a request that may have had its effect is sent again: one that reads, or may come twice.
    pub resend: bool,
}

/// The waits between tries.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The wait after the first fault; doubled each time, and up to as much again by chance.
    pub first: Duration,
    /// The longest wait that a server may ask for; where it asks for more, the request fails.
    pub longest: Duration,
}

impl Policy {
    /// What every system is spoken to by, unless its documentation asks for another wait.
    pub const STANDARD: Self = Self {
        tries: 3,
        pace: Pace { first: Duration::from_millis(300), longest: Duration::from_secs(30) },
        resend: true,
    };

    /// The same with another longest wait.
    #[must_use]
    pub const fn longest(self, longest: Duration) -> Self {
        Self { pace: Pace { first: self.pace.first, longest }, ..self }
    }

    /// The same for a request that may come twice, or may not.
    #[must_use]
    pub const fn resend(self, resend: bool) -> Self {
        Self { resend, ..self }
    }

    /// Tries until there is an answer, another try would be in vain, or all tries were made.
    ///
    /// # Errors
    /// The last try's.
    pub async fn run<T, E, F>(&self, once: impl FnMut() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, TryError<E>>>,
    {
        let Self { tries, pace, resend } = *self;
        let waits = ExponentialBuilder::default()
            .with_min_delay(pace.first)
            .with_max_times(tries.saturating_sub(1))
            .with_jitter();
        once.retry(waits)
            .when(|trouble| match trouble {
                TryError::Final(_) => false,
                TryError::Fault(_) => resend,
                TryError::Wait(wait, _) => *wait <= pace.longest,
                TryError::Unsent(_) => true,
            })
            .adjust(|trouble, next| match trouble {
                TryError::Wait(wait, _) => next.map(|_| *wait),
                TryError::Final(_) | TryError::Unsent(_) | TryError::Fault(_) => next,
            })
            .notify(|_, wait| tracing::debug!(?wait, "trying again"))
            .await
            .map_err(TryError::into_error)
    }

    /// Sends what must not come about twice: after a try that may have had its effect, `look` says what there is.
    ///
    /// # Errors
    /// The last try's, or the look's.
    pub async fn make<T, E, F, L>(&self, once: impl Fn() -> F, look: impl Fn() -> L) -> Result<T, E>
    where
        F: Future<Output = Result<T, TryError<E>>>,
        L: Future<Output = Result<Option<T>, E>>,
    {
        let looked = || async {
            match once().await {
                Err(TryError::Fault(error)) => match look().await {
                    Ok(Some(there)) => Ok(there),
                    Ok(None) => Err(TryError::Unsent(error)),
                    Err(unseen) => Err(TryError::Final(unseen)),
                },
                answer => answer,
            }
        };
        self.run(looked).await
    }
}

/// Waiting for something to happen: asking again does not repeat what failed.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// The first wait; doubled each time.
    pub first: Duration,
    /// The longest single wait.
    pub longest: Duration,
    /// All waits together.
    pub total: Duration,
}

impl Wait {
    /// Asks until there is an answer that is not `yet` to change, and says before the first wait why, and how long at most.
    ///
    /// # Errors
    /// Another error, or the last one when the time is over.
    pub async fn until<T, E, F>(
        &self,
        ask: impl FnMut() -> F,
        yet: impl Fn(&E) -> bool,
        say: impl Fn(&E, String),
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let waits = ExponentialBuilder::default()
            .with_min_delay(self.first)
            .with_max_delay(self.longest)
            .with_total_delay(Some(self.total))
            .without_max_times();
        let limit = format!("waiting, up to {} s", self.total.as_secs().max(1));
        let mut first = true;
        let once = |error: &E, _| {
            if std::mem::take(&mut first) {
                say(error, limit.clone());
            }
        };
        ask.retry(waits).when(|error| yet(error)).notify(once).await
    }
}

/// How long the server asks to wait, where it says so: in seconds, or until a time by its own clock (RFC 9110, 10.2.3).
/// NestJS names the limit that was met: `Retry-After-authenticated`; of several limits the longest counts.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let of_limit = |name: &HeaderName| name.as_str().starts_with("retry-after-");
    let told = headers.iter().filter(|(name, _)| *name == RETRY_AFTER || of_limit(name));
    let until = |text: &str| {
        let (end, now) = (DateTime::parse_from_rfc2822(text).ok()?, header::date(headers)?);
        Some((end.to_utc() - now).to_std().unwrap_or_default())
    };
    let read = |text: &str| text.parse().map(Duration::from_secs).ok().or_else(|| until(text));
    told.filter_map(|(_, value)| read(value.to_str().ok()?.trim())).max()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const NO_TIME: Duration = Duration::ZERO;
    const MOMENT: Duration = Duration::from_millis(1);
    const QUICK: Policy = Policy { pace: Pace { first: NO_TIME, longest: MOMENT }, ..Policy::STANDARD };

    /// How often a request is sent that meets this trouble every time.
    async fn sent(policy: Policy, trouble: fn() -> TryError<()>) -> usize {
        let sent = Cell::new(0);
        let once = || {
            sent.set(sent.get() + 1);
            async { Err::<(), _>(trouble()) }
        };
        assert!(policy.run(once).await.is_err());
        sent.get()
    }

    #[tokio::test]
    async fn what_is_sent_again_depends_on_the_trouble_and_the_policy() {
        const ONCE: Policy = QUICK.resend(false);
        assert_eq!(sent(QUICK, || TryError::Fault(())).await, 3);
        assert_eq!(sent(ONCE, || TryError::Fault(())).await, 1);
        assert_eq!(sent(ONCE, || TryError::Unsent(())).await, 3);
        assert_eq!(sent(ONCE, || TryError::Wait(MOMENT, ())).await, 3);
        assert_eq!(sent(ONCE, || TryError::Wait(2 * MOMENT, ())).await, 1);
        assert_eq!(sent(QUICK, || TryError::Final(())).await, 1);
    }

    #[test]
    fn a_wait_is_what_a_server_says_in_seconds_or_by_its_own_clock() {
        let wait = |text: &'static str| {
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, http::HeaderValue::from_static(text))]))
        };
        assert_eq!(wait(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(wait("Wed, 21 Oct 2026 07:28:00 GMT"), None, "its clock is not known");
        let until = |end: &'static str| {
            let headers = [("date", "Wed, 21 Oct 2026 07:27:50 GMT"), ("retry-after", end)];
            retry_after(&HeaderMap::from_iter(headers.map(|(name, value)| {
                (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
            })))
        };
        assert_eq!(until("Wed, 21 Oct 2026 07:28:00 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(until("Wed, 21 Oct 2026 07:27:00 GMT"), Some(Duration::ZERO));
        assert_eq!(until("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
        let of_limits = [("retry-after-anonymous", "3"), ("retry-after-authenticated", "41")];
        let headers = of_limits.map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
        });
        assert_eq!(retry_after(&HeaderMap::from_iter(headers)), Some(Duration::from_secs(41)));
    }

    #[tokio::test]
    async fn the_wait_that_a_server_asks_for_is_kept() {
        let started = tokio::time::Instant::now();
        let policy = QUICK.longest(20 * MOMENT);
        assert_eq!(sent(policy, || TryError::Wait(Duration::from_millis(20), ())).await, 3);
        assert!(started.elapsed() >= 40 * MOMENT);
    }

    #[tokio::test]
    async fn what_must_not_come_twice_is_looked_for_before_it_is_sent_again() {
        for (there_after, sends, made) in [(1, 1, true), (2, 2, true), (9, 3, false)] {
            let (sent, looked) = (Cell::new(0), Cell::new(0));
            let once = || {
                sent.set(sent.get() + 1);
                async { Err(TryError::Fault(())) }
            };
            let look = || {
                looked.set(looked.get() + 1);
                let there = looked.get() >= there_after;
                async move { Ok(there.then_some(())) }
            };
            assert_eq!(QUICK.make(once, look).await.is_ok(), made);
            assert_eq!((sent.get(), looked.get()), (sends, sends));
        }
    }

    #[tokio::test]
    async fn a_wait_ends_with_its_time_and_says_once_why_and_how_long_at_most() {
        let wait = Wait { first: MOMENT, longest: 4 * MOMENT, total: 20 * MOMENT };
        let (asked, said) = (Cell::new(0), Cell::new(0));
        let ask = || {
            asked.set(asked.get() + 1);
            async { Err::<(), _>("not yet") }
        };
        let say = |_: &&str, limit: String| {
            assert_eq!(limit, "waiting, up to 1 s");
            said.set(said.get() + 1);
        };
        assert!(wait.until(ask, |_| true, say).await.is_err());
        assert_eq!((asked.get(), said.get()), (7, 1), "1 + 2 + 4 + 4 + 4 + 4 = 19 ms");
        assert!(wait.until(ask, |_| false, |_, _| ()).await.is_err());
        assert_eq!(asked.get(), 8);
    }
}
