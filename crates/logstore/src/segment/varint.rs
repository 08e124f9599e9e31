//! LEB128 and zigzag, as in Protocol Buffers.

use super::Damaged;

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a varint off the front.
#[inline]
pub(crate) fn take_varint(rest: &mut &[u8]) -> Result<u64, Damaged> {
    // Most are lengths.
    if let [byte @ ..0x80, after @ ..] = *rest {
        *rest = after;
        return Ok(u64::from(*byte));
    }
    take_long_varint(rest)
}

fn take_long_varint(rest: &mut &[u8]) -> Result<u64, Damaged> {
    /// Ten groups of seven bits hold any u64.
    const MAX_BYTES: usize = 10;
    let mut value = 0_u64;
    for (i, &byte) in rest.iter().take(MAX_BYTES).enumerate() {
        value |= u64::from(byte & 0x7F) << (7 * i);
        if byte < 0x80 {
            *rest = &rest[i + 1..];
            return Ok(value);
        }
    }
    Err(Damaged("varint is cut off or too long"))
}

/// Takes so many bytes off the front.
pub(crate) fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Result<&'a [u8], Damaged> {
    let (head, tail) = rest.split_at_checked(bytes).ok_or(Damaged("cut off"))?;
    *rest = tail;
    Ok(head)
}

/// Small numbers of either sign become small numbers.
pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}
