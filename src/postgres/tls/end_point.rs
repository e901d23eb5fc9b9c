//! What a login is bound to (RFC 5929, `tls-server-end-point`): the digest of the server's certificate, by the hash
//! with which that was signed; by SHA-256 where that was a weaker one.

use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};

/// The digest of a certificate in DER; `None`, where its signature names no hash that is known here. Then a login is
/// not bound, and one that demands it fails.
pub(super) fn of(certificate: &[u8]) -> Option<Vec<u8>> {
    let hash = hash_for(signature_algorithm(certificate)?)?;
    Some(digest(hash, certificate).as_ref().to_vec())
}

/// The object identifier in a certificate that says how it was signed.
///
/// ```text
/// Certificate: SEQUENCE { what is signed, algorithm: SEQUENCE { OBJECT IDENTIFIER, … }, signature }
/// ```
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (inside, _) = element(SEQUENCE, certificate)?;
    let (_, rest) = element(SEQUENCE, inside)?;
    let (algorithm, _) = element(SEQUENCE, rest)?;
    let (identifier, _) = element(OBJECT_IDENTIFIER, algorithm)?;
    Some(identifier)
}

/// The content of the first element of DER, which must be of this kind, and what follows it.
fn element(kind: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    let (length, rest) = match first {
        short @ 0..0x80 => (usize::from(short), rest),
        long => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            let is_sane = (1..=4).contains(&digits.len());
            let value = digits
                .iter()
                .fold(0, |value, digit| value << 8 | usize::from(*digit));
            (is_sane.then_some(value)?, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    (tag == kind).then_some((content, rest))
}

fn hash_for(algorithm: &[u8]) -> Option<&'static Algorithm> {
    match algorithm.strip_prefix(RSA) {
        Some([4 | 5 | 11]) => return Some(&SHA256),
        Some([12]) => return Some(&SHA384),
        Some([13]) => return Some(&SHA512),
        _ => {}
    }
    match algorithm.strip_prefix(ECDSA)? {
        [1] | [3, 2] => Some(&SHA256),
        [3, 3] => Some(&SHA384),
        [3, 4] => Some(&SHA512),
        _ => None,
    }
}

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// 1.2.840.113549.1.1; below it 4 is MD5, 5 SHA-1, 11 to 13 SHA-256, -384, -512.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1];
/// 1.2.840.10045.4; below it 1 is SHA-1, 3.2 to 3.4 SHA-256, -384, -512.
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4];

#[cfg(test)]
mod tests {
    use super::*;

    fn signed_by(identifier: &[u8]) -> Vec<u8> {
        let sequence = |content: &[u8]| {
            let mut der = vec![SEQUENCE, 0x82, 0, u8::try_from(content.len()).unwrap()];
            der.extend(content);
            der
        };
        let mut algorithm = vec![OBJECT_IDENTIFIER, u8::try_from(identifier.len()).unwrap()];
        algorithm.extend(identifier);
        let (to_be_signed, algorithm) = (sequence(&[7; 100]), sequence(&algorithm));
        sequence(&[to_be_signed, algorithm, vec![3, 1, 0]].concat())
    }

    #[test]
    fn the_hash_is_that_of_the_signature_or_a_better_one() {
        for (prefix, last, bytes) in [
            (RSA, &[4][..], Some(32)),
            (RSA, &[5], Some(32)),
            (RSA, &[11], Some(32)),
            (RSA, &[12], Some(48)),
            (RSA, &[13], Some(64)),
            (ECDSA, &[1], Some(32)),
            (ECDSA, &[3, 2], Some(32)),
            (ECDSA, &[3, 3], Some(48)),
            (ECDSA, &[3, 4], Some(64)),
            // RSASSA-PSS tells its hash elsewhere, Ed25519 has none.
            (RSA, &[10], None),
            (&[0x2b, 0x65], &[0x70], None),
        ] {
            let certificate = signed_by(&[prefix, last].concat());
            let length = of(&certificate).map(|digest| digest.len());
            assert_eq!(length, bytes, "{prefix:?} {last:?}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end_point() {
        let whole = signed_by(&[RSA, &[11]].concat());
        for end in 0..whole.len() {
            assert_eq!(of(&whole[..end]), None, "{end}");
        }
        for garbage in [&[0x30, 0x80][..], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0xff; 40]] {
            assert_eq!(of(garbage), None);
        }
    }
}
