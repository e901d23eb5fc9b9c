//! Hopping from frame to frame: a stream is cut into pieces anywhere, and nothing of it is copied or scanned but
//! headers and, of the kinds that are wanted, the first bytes.

/// One direction: at which place of which frame it is.
#[derive(Debug)]
pub(super) struct Hopper {
    /// The kind of the frame, and its length.
    head: [u8; HEAD],
    head_len: usize,
    /// What is left of its body.
    left: usize,
    /// The first bytes of its body, of which so many are wanted.
    start: [u8; MOST_WANTED],
    start_len: usize,
    wanted: usize,
}

/// A frame, or as much of its body as was wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) kind: u8,
    pub(super) start: &'a [u8],
}

/// A length that no frame has: whoever sends it does not speak PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Garbled;

impl Hopper {
    /// At the beginning of a frame.
    pub(super) fn new() -> Self {
        Self {
            head: [0; HEAD],
            head_len: 0,
            left: 0,
            start: [0; MOST_WANTED],
            start_len: 0,
            wanted: 0,
        }
    }

    /// At the beginning of the one frame that has no kind: 0 stands for it.
    pub(super) fn at_startup() -> Self {
        Self {
            head_len: 1,
            ..Self::new()
        }
    }

    /// Goes through the next bytes of the stream, and shows each frame as soon as what is wanted of it is here.
    #[inline]
    pub(super) fn hop(
        &mut self,
        mut bytes: &[u8],
        wanted: impl Fn(u8) -> usize,
        mut show: impl FnMut(Frame<'_>),
    ) -> Result<(), Garbled> {
        loop {
            if self.start_len < self.wanted {
                let take = bytes.len().min(self.wanted - self.start_len);
                self.start[self.start_len..][..take].copy_from_slice(&bytes[..take]);
                self.start_len += take;
                self.left -= take;
                bytes = &bytes[take..];
                if self.start_len == self.wanted {
                    show(self.frame());
                }
            }
            let skip = bytes.len().min(self.left);
            self.left -= skip;
            bytes = &bytes[skip..];
            if bytes.is_empty() {
                return Ok(());
            }
            let take = bytes.len().min(HEAD - self.head_len);
            self.head[self.head_len..][..take].copy_from_slice(&bytes[..take]);
            self.head_len += take;
            bytes = &bytes[take..];
            if self.head_len == HEAD {
                self.begin(&wanted)?;
                if self.wanted == 0 {
                    show(self.frame());
                }
            }
        }
    }

    /// A header is here.
    #[inline]
    fn begin(&mut self, wanted: impl Fn(u8) -> usize) -> Result<(), Garbled> {
        let [kind, length @ ..] = self.head;
        let length = u32::from_be_bytes(length);
        if !(LENGTH_ITSELF..=LONGEST).contains(&length) {
            return Err(Garbled);
        }
        self.left = (length - LENGTH_ITSELF) as usize;
        self.wanted = wanted(kind).min(self.left);
        self.start_len = 0;
        self.head_len = 0;
        Ok(())
    }

    fn frame(&self) -> Frame<'_> {
        Frame {
            kind: self.head[0],
            start: &self.start[..self.start_len],
        }
    }
}

/// Of an error: its severity in the server's language and in English, and its code, which come first.
pub(super) const MOST_WANTED: usize = 96;
/// The startup message has no kind.
pub(super) const STARTUP: u8 = 0;
/// A frame begins with its kind and its length, which counts itself.
const HEAD: usize = 5;
const LENGTH_ITSELF: u32 = 4;
/// A length is a signed number.
const LONGEST: u32 = i32::MAX as u32;
