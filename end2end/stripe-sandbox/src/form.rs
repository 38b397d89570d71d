//! Stripe's form encoding: `line_items[0][price_data][currency]=usd` becomes a tree.
//!
//! It accepts what Stripe's clients send and refuses the rest with Stripe's kind of error. It must
//! never panic, whatever the bytes.

use crate::error::ApiError;

/// The longest request body, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// The deepest nesting: `a[b][c]` is three levels.
pub const MAX_DEPTH: usize = 12;
/// The most `key=value` pairs in one request.
pub const MAX_PAIRS: usize = 10_000;

/// A parsed parameter: text, or named children in the order they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// `key=text`
    Text(String),
    /// `key[name]=…`; list indices are names too.
    Branch(Vec<(String, Node)>),
}

impl Node {
    /// An empty form.
    #[must_use]
    pub fn empty() -> Self {
        Self::Branch(Vec::new())
    }

    /// The child of that name, if this is a branch that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node> {
        match self {
            Self::Text(_) => None,
            Self::Branch(children) => children.iter().find(|(k, _)| k == name).map(|(_, v)| v),
        }
    }

    /// The text of the child of that name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Self::Text(text) => Some(text),
            Self::Branch(_) => None,
        }
    }

    fn insert(&mut self, path: &[String], value: String, whole: &str) -> Result<(), ApiError> {
        let Some((name, rest)) = path.split_first() else {
            *self = Self::Text(value);
            return Ok(());
        };
        let Self::Branch(children) = self else {
            return Err(ApiError::invalid(format!(
                "Invalid request: the parameter {whole} is given both as a value and as an object."
            ))
            .param(whole));
        };
        // `expand[]=a&expand[]=b`: an empty name means "the next one".
        let name = if name.is_empty() { children.len().to_string() } else { name.clone() };
        let index = match children.iter().position(|(k, _)| *k == name) {
            Some(index) => index,
            None => {
                children.push((name, Self::empty()));
                children.len() - 1
            }
        };
        match children.get_mut(index) {
            // Twice the same scalar: the last one counts, as with Stripe.
            Some((_, child)) if rest.is_empty() => match child {
                Self::Branch(inner) if !inner.is_empty() => Err(ApiError::invalid(format!(
                    "Invalid request: the parameter {whole} is given both as a value and as an object."
                ))
                .param(whole)),
                _ => {
                    *child = Self::Text(value);
                    Ok(())
                }
            },
            Some((_, child)) => child.insert(rest, value, whole),
            None => Ok(()),
        }
    }
}

/// Parses a body or query string.
///
/// # Errors
/// A 400 in Stripe's shape for bad percent sequences, bytes that are not UTF-8, unbalanced brackets,
/// and bodies that are too large, too deep or have too many pairs.
pub fn parse(bytes: &[u8]) -> Result<Node, ApiError> {
    if bytes.len() > MAX_BODY {
        return Err(ApiError::invalid("Request body is too large."));
    }
    let mut root = Node::empty();
    let pairs = bytes.split(|b| *b == b'&').filter(|pair| !pair.is_empty());
    for (count, pair) in pairs.enumerate() {
        if count >= MAX_PAIRS {
            return Err(ApiError::invalid("The request has too many parameters."));
        }
        let mut halves = pair.splitn(2, |b| *b == b'=');
        let key = decode(halves.next().unwrap_or_default())?;
        let value = decode(halves.next().unwrap_or_default())?;
        let path = split_key(&key)?;
        root.insert(&path, value, &key)?;
    }
    Ok(root)
}

/// The pairs as they came, decoded: for the record of requests.
pub(crate) fn pairs(bytes: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(bytes).into_owned().collect()
}

fn decode(bytes: &[u8]) -> Result<String, ApiError> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let pair = rest.next().zip(rest.next()).and_then(|(high, low)| {
                    let high = char::from(*high).to_digit(16)?;
                    let low = char::from(*low).to_digit(16)?;
                    u8::try_from(high * 16 + low).ok()
                });
                match pair {
                    Some(byte) => out.push(byte),
                    None => return Err(ApiError::invalid("Invalid request: bad percent-encoding in parameters.")),
                }
            }
            other => out.push(*other),
        }
    }
    let text = String::from_utf8(out)
        .map_err(|_| ApiError::invalid("Invalid request: the parameters are not valid UTF-8."))?;
    if text.contains('\0') {
        return Err(ApiError::invalid("Invalid request: the parameters contain a null byte."));
    }
    Ok(text)
}

fn split_key(key: &str) -> Result<Vec<String>, ApiError> {
    let bad = || ApiError::invalid(format!("Invalid request: malformed parameter name: {}", shorten(key)));
    let (first, mut rest) = match key.find('[') {
        Some(at) => key.split_at(at),
        None => (key, ""),
    };
    if first.is_empty() || first.contains(']') {
        return Err(bad());
    }
    let mut path = vec![first.to_owned()];
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[').ok_or_else(bad)?;
        let (name, after) = inner.split_once(']').ok_or_else(bad)?;
        if name.contains('[') {
            return Err(bad());
        }
        path.push(name.to_owned());
        if path.len() > MAX_DEPTH {
            return Err(ApiError::invalid("Invalid request: the parameters are nested too deeply."));
        }
        rest = after;
    }
    Ok(path)
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}
