//! What an archive is compressed with, by its first bytes: gzip, zstd or nothing. In both several streams may follow each other.

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};
use std::io::{self, Cursor, Read};

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// A frame that is to be skipped, as the first one: the last three of four bytes.
const ZSTD_SKIPPED: &[u8] = &[0x2a, 0x4d, 0x18];
const OTHERS: [(&[u8], &str); 3] = [(b"\xfd7zXZ\0", "xz"), (b"BZh", "bzip2"), (b"\x04\x22\x4d\x18", "lz4")];

/// The archive itself.
pub fn decompressed<'a>(mut archive: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut first = Vec::new();
    archive.by_ref().take(6).read_to_end(&mut first)?;
    if let Some((_, name)) = OTHERS.iter().find(|(magic, _)| first.starts_with(magic)) {
        return Err(io::Error::other(format!("it is compressed with {name}: gzip and zstd can be read")));
    }
    let is_zstd = first.starts_with(ZSTD) || first.get(1..).is_some_and(|rest| rest.starts_with(ZSTD_SKIPPED));
    let is_gzip = first.starts_with(GZIP);
    let whole = Cursor::new(first).chain(archive);
    Ok(if is_gzip {
        Box::new(MultiGzDecoder::new(whole))
    } else if is_zstd {
        Box::new(Zstd { decoder: FrameDecoder::new(), within: false, source: whole })
    } else {
        Box::new(whole)
    })
}

struct Zstd<R> {
    decoder: FrameDecoder,
    /// A frame has begun.
    within: bool,
    source: R,
}

impl<R: Read> Zstd<R> {
    /// Goes to the next frame; `false` at the end.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            let mut first = [0];
            if self.source.read(&mut first)? == 0 {
                return Ok(false);
            }
            match self.decoder.init(Cursor::new(first).chain(&mut self.source)) {
                Ok(()) => {
                    self.within = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut self.source.by_ref().take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.within && !self.begin()? {
                return Ok(0);
            }
            let decoder = &mut self.decoder;
            while decoder.can_collect() == 0 && !decoder.is_finished() {
                decoder
                    .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBytes(buffer.len()))
                    .map_err(io::Error::other)?;
            }
            match decoder.read(buffer)? {
                0 if decoder.is_finished() && !buffer.is_empty() => self.within = false,
                read => return Ok(read),
            }
        }
    }
}
