//! Coming to terms with a server about TLS: what tokio-postgres does before it speaks PostgreSQL, step by step.
//!
//! It is told `sslmode=require` and `sslnegotiation=direct`, which it answers by handing the raw stream to its
//! connector at once. That connector is ours: it does what the user's own configuration says, which may well be to
//! use no TLS at all, and gives back a stream that is watched.

use super::watch::Watch;
use super::wired::{Carrier, Wired};
use crate::engine::sync::Arc;
use std::any::type_name;
use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config as PgConfig, NoTls, Socket};

type BoxError = Box<dyn StdError + Sync + Send>;

/// What a configuration says about TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) mode: SslMode,
    pub(super) negotiation: SslNegotiation,
    /// Without a name there is nothing to check a certificate against.
    pub(super) has_hostname: bool,
}

/// What is to be done first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    SpeakPlainly,
    Ask,
    Encrypt,
    Refuse(&'static str),
}

impl Terms {
    pub(super) fn of(config: &PgConfig, has_hostname: bool) -> Self {
        Self {
            mode: config.get_ssl_mode(),
            negotiation: config.get_ssl_negotiation(),
            has_hostname,
        }
    }

    /// `can_encrypt` says whether there is a connector at all: [`NoTls`] is none.
    fn first(self, can_encrypt: bool) -> First {
        let direct = self.negotiation == SslNegotiation::Direct;
        match self.mode {
            SslMode::Disable => First::SpeakPlainly,
            SslMode::Prefer if !can_encrypt => First::SpeakPlainly,
            SslMode::Prefer if direct => First::Refuse(WEAK),
            _ if direct => self.encrypt(),
            _ => First::Ask,
        }
    }

    /// The server has answered whether it can.
    fn answered(self, answer: u8) -> First {
        match (answer, self.mode) {
            (b'S', _) => self.encrypt(),
            (_, SslMode::Require) => First::Refuse("server does not support TLS"),
            _ => First::SpeakPlainly,
        }
    }

    fn encrypt(self) -> First {
        match self.has_hostname {
            true => First::Encrypt,
            false => First::Refuse("no hostname provided for TLS handshake"),
        }
    }
}

/// Whether a connector is one: [`NoTls`] says that it is not, by a method that nobody else can call, nor have. By name,
/// since a connector need not be `'static`.
pub(super) fn can_encrypt<C>() -> bool {
    type_name::<C>() != type_name::<NoTls>()
}

/// A connector that comes to terms first, whatever tokio-postgres thinks it does.
#[derive(Clone)]
pub(super) struct Negotiator<T> {
    pub(super) tls: T,
    pub(super) terms: Terms,
    /// Whether `tls` is a connector at all.
    pub(super) can_encrypt: bool,
    /// Where what passes afterwards is watched.
    pub(super) watch: Option<Arc<Watch>>,
}

impl<T: MakeTlsConnect<Socket>> MakeTlsConnect<Socket> for Negotiator<T> {
    type Stream = Wired<Socket, T::Stream>;
    type TlsConnect = Negotiator<T::TlsConnect>;
    type Error = T::Error;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Self::TlsConnect, T::Error> {
        let domain = if self.terms.has_hostname { domain } else { "" };
        Ok(Negotiator {
            tls: self.tls.make_tls_connect(domain)?,
            terms: self.terms,
            can_encrypt: self.can_encrypt,
            watch: self.watch.clone(),
        })
    }
}

impl<S, T> TlsConnect<S> for Negotiator<T>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: TlsConnect<S>,
{
    type Stream = Wired<S, T::Stream>;
    type Error = BoxError;
    type Future = Negotiating<S, T>;

    fn connect(self, stream: S) -> Negotiating<S, T> {
        let first = self.terms.first(self.can_encrypt);
        Negotiating {
            with: Some((stream, self.tls)),
            step: Step::of(first, 0),
            terms: self.terms,
            watch: self.watch,
        }
    }
}

/// Coming to terms.
pub(super) struct Negotiating<S, T: TlsConnect<S>> {
    /// Until the connector has taken both.
    with: Option<(S, T)>,
    step: Step<S, T>,
    terms: Terms,
    watch: Option<Arc<Watch>>,
}

enum Step<S, T: TlsConnect<S>> {
    /// What is decided.
    Decided(First),
    /// So many bytes of the question have been sent.
    Asking(usize),
    Listening,
    /// Boxed, since it may be anything.
    Encrypting(Pin<Box<T::Future>>),
}

impl<S, T: TlsConnect<S>> Step<S, T> {
    fn of(first: First, sent: usize) -> Self {
        match first {
            First::Ask => Self::Asking(sent),
            decided => Self::Decided(decided),
        }
    }
}

/// Nothing in it is pinned but what is boxed.
impl<S, T: TlsConnect<S>> Unpin for Negotiating<S, T> {}

impl<S, T> Future for Negotiating<S, T>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: TlsConnect<S>,
{
    type Output = Result<Wired<S, T::Stream>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            this.step = match &mut this.step {
                Step::Encrypting(encrypting) => {
                    let stream = ready!(encrypting.as_mut().poll(context)).map_err(Into::into)?;
                    let carrier = Carrier::Tls(stream);
                    return Poll::Ready(Ok(Wired::new(carrier, this.watch.take())));
                }
                Step::Decided(first) => {
                    let first = *first;
                    let (stream, tls) = this.with.take().expect("not polled after its end");
                    match first {
                        First::Encrypt => Step::Encrypting(Box::pin(tls.connect(stream))),
                        First::Refuse(why) => return Poll::Ready(Err(why.into())),
                        First::SpeakPlainly | First::Ask => {
                            let carrier = Carrier::Plain(stream);
                            return Poll::Ready(Ok(Wired::new(carrier, this.watch.take())));
                        }
                    }
                }
                Step::Asking(sent) => {
                    let (stream, _) = this.with.as_mut().expect("not polled after its end");
                    if *sent < QUESTION.len() {
                        *sent += ready!(poll_write_some(stream, context, &QUESTION[*sent..]))?;
                        continue;
                    }
                    ready!(Pin::new(stream).poll_flush(context))?;
                    Step::Listening
                }
                Step::Listening => {
                    let (stream, _) = this.with.as_mut().expect("not polled after its end");
                    let answer = ready!(poll_read_one(stream, context))?;
                    Step::of(this.terms.answered(answer), 0)
                }
            };
        }
    }
}

fn poll_write_some(
    stream: &mut (impl AsyncWrite + Unpin),
    context: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    Pin::new(stream)
        .poll_write(context, bytes)
        .map(|written| match written {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            written => written,
        })
}

fn poll_read_one(
    stream: &mut (impl AsyncRead + Unpin),
    context: &mut Context<'_>,
) -> Poll<io::Result<u8>> {
    let mut byte = [0];
    let mut into = ReadBuf::new(&mut byte);
    ready!(Pin::new(stream).poll_read(context, &mut into))?;
    match into.filled().first() {
        Some(byte) => Poll::Ready(Ok(*byte)),
        None => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
    }
}

/// The request for TLS: its length, and a number that is no version.
const QUESTION: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

const WEAK: &str =
    "weak sslmode \"prefer\" may not be used with sslnegotiation=direct (use \"require\")";

#[cfg(test)]
mod tests {
    use super::*;

    /// As tokio-postgres' `connect_tls` does it.
    #[test]
    fn every_configuration_means_what_it_meant() {
        use SslMode::{Disable, Prefer, Require};
        use SslNegotiation::{Direct, Postgres};
        let refuses = |first| matches!(first, First::Refuse(_));
        for has_hostname in [true, false] {
            let first = |mode, negotiation, can_encrypt| {
                let terms = Terms {
                    mode,
                    negotiation,
                    has_hostname,
                };
                terms.first(can_encrypt)
            };
            for can_encrypt in [true, false] {
                for negotiation in [Postgres, Direct] {
                    assert_eq!(
                        first(Disable, negotiation, can_encrypt),
                        First::SpeakPlainly
                    );
                }
                assert_eq!(first(Require, Postgres, can_encrypt), First::Ask);
                match has_hostname {
                    true => assert_eq!(first(Require, Direct, can_encrypt), First::Encrypt),
                    false => assert!(refuses(first(Require, Direct, can_encrypt))),
                }
            }
            assert_eq!(first(Prefer, Postgres, true), First::Ask);
            assert_eq!(first(Prefer, Postgres, false), First::SpeakPlainly);
            assert_eq!(first(Prefer, Direct, false), First::SpeakPlainly);
            assert_eq!(first(Prefer, Direct, true), First::Refuse(WEAK));
        }
    }

    #[test]
    fn a_server_that_cannot_encrypt_is_refused_only_where_it_must() {
        let terms = |mode, has_hostname| Terms {
            mode,
            negotiation: SslNegotiation::Postgres,
            has_hostname,
        };
        assert_eq!(terms(SslMode::Prefer, true).answered(b'S'), First::Encrypt);
        assert_eq!(
            terms(SslMode::Prefer, true).answered(b'N'),
            First::SpeakPlainly
        );
        assert_eq!(
            terms(SslMode::Prefer, false).answered(b'N'),
            First::SpeakPlainly
        );
        for (mode, has_hostname, answer) in [
            (SslMode::Require, true, b'N'),
            (SslMode::Require, false, b'S'),
            (SslMode::Prefer, false, b'S'),
        ] {
            let answered = terms(mode, has_hostname).answered(answer);
            assert!(matches!(answered, First::Refuse(_)), "{mode:?} {answer}");
        }
    }

    #[test]
    fn no_tls_is_no_connector() {
        assert!(!can_encrypt::<NoTls>());
        assert!(can_encrypt::<Negotiator<NoTls>>());
    }
}
