//! Walking a protobuf message without decoding it, so that lines are counted before memory is taken for them, and each is
//! decoded by itself: two bytes on the wire can be a hundred in memory, and one damaged record should cost only itself.

use std::ops::Range;

use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// The length-delimited fields of the message that lies at `range` of a body, in order: number and place of the content.
/// Fields of other kinds are passed over.
pub(crate) struct Fields<'a> {
    body: &'a [u8],
    at: usize,
    end: usize,
}

/// A field's number, and where its content lies in the body.
pub(crate) type Field = (u32, Range<usize>);

impl<'a> Fields<'a> {
    pub(crate) fn within(body: &'a [u8], range: Range<usize>) -> Self {
        Self {
            body,
            at: range.start,
            end: range.end,
        }
    }

    /// The next field; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Field>, Broken> {
        let mut rest = self.body.get(self.at..self.end).unwrap_or_default();
        while !rest.is_empty() {
            let (number, wire_type) = decode_key(&mut rest)?;
            if wire_type == WireType::LengthDelimited {
                let length = decode_varint(&mut rest)?;
                let length = usize::try_from(length)
                    .ok()
                    .filter(|length| *length <= rest.len())
                    .ok_or(Broken::Short)?;
                let start = self.end - rest.len();
                self.at = start + length;
                return Ok(Some((number, start..self.at)));
            }
            skip_field(wire_type, number, &mut rest, DecodeContext::default())?;
        }
        self.at = self.end;
        Ok(None)
    }
}

/// The body is not protobuf.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("a field is longer than what is left of the message")]
    Short,
    #[error(transparent)]
    Undecodable(#[from] DecodeError),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(body: &[u8]) -> Result<Vec<(u32, Vec<u8>)>, Broken> {
        let mut fields = Fields::within(body, 0..body.len());
        let mut found = Vec::new();
        while let Some((number, range)) = fields.next()? {
            found.push((number, body[range].to_vec()));
        }
        Ok(found)
    }

    #[test]
    fn contents_are_found_between_fields_of_other_kinds() {
        // Varint 1: 300; bytes 2: "ab"; fixed64 3; fixed32 4; bytes 5: empty; bytes 2 again.
        let body = [
            &[0x08, 0xAC, 0x02, 0x12, 2, b'a', b'b'][..],
            &[0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x25, 1, 2, 3, 4],
            &[0x2A, 0, 0x12, 1, b'c'],
        ]
        .concat();
        let expected = [(2, b"ab".to_vec()), (5, Vec::new()), (2, b"c".to_vec())];
        assert_eq!(fields(&body).unwrap(), expected);
    }

    #[test]
    fn a_field_that_is_cut_off_is_broken() {
        assert!(fields(&[0x12, 3, b'a', b'b']).is_err());
        assert!(fields(&[0x12]).is_err());
        assert!(fields(&[0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]).is_err());
        assert!(fields(&[0x19, 1]).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = fields(&bytes);
        }
    }
}
