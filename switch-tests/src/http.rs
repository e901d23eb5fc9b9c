//! As much of HTTP as it takes to ask the service.

use serde_json::Value;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    method: &'static str,
    path: &'static str,
    body: String,
}

impl Asked {
    /// `GET`.
    pub fn get(path: &'static str) -> Self {
        Self {
            method: "GET",
            path,
            body: String::new(),
        }
    }

    /// `POST`, of a body that is JSON, or should be.
    pub fn post(path: &'static str, body: impl Into<String>) -> Self {
        Self {
            method: "POST",
            path,
            body: body.into(),
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.method, self.path, self.body)
    }
}

/// An answer: the status, and the body, which is a string where it is not JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// 200 and the like.
    pub status: u16,
    /// What was said.
    pub body: Value,
}

pub(crate) fn ask(address: SocketAddr, asked: &Asked) -> io::Result<Answer> {
    let mut heard = String::new();
    send(address, asked)?.read_to_string(&mut heard)?;
    read(&heard).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, heard))
}

/// Sends it. The answer comes on the connection, which ends after it.
pub(crate) fn send(address: SocketAddr, asked: &Asked) -> io::Result<TcpStream> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    let Asked { method, path, body } = asked;
    let length = body.len();
    write!(
        connection,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )?;
    Ok(connection)
}

fn read(heard: &str) -> Option<Answer> {
    let (head, body) = heard.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.split(' ').next()?;
    let body = serde_json::from_str(body).unwrap_or_else(|_| body.into());
    Some(Answer {
        status: status.parse().ok()?,
        body,
    })
}

const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read() {
        let said = |heard| read(heard).map(|answer| (answer.status, answer.body.to_string()));
        let heard = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[{\"a\": 1}]";
        assert_eq!(said(heard), Some((200, "[{\"a\":1}]".to_owned())));
        let heard = "HTTP/1.1 400 Bad Request\r\n\r\nno JSON";
        assert_eq!(said(heard), Some((400, "\"no JSON\"".to_owned())));
        assert_eq!(said("HTTP/1.1 200 OK\r\n"), None);
    }
}
