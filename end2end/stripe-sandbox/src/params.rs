//! Typed reading of a parsed form, with Stripe's errors for what is missing, unknown or wrong.
//!
//! A [`Params`] remembers which names were asked for; [`Params::finish`] refuses the others.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::error::ApiError;
use crate::form::Node;

/// The most keys in `metadata`, and the longest key and value (docs.stripe.com/api/metadata).
const METADATA_KEYS: usize = 50;
const METADATA_KEY: usize = 40;
const METADATA_VALUE: usize = 500;

/// Free-form pairs attached to an object.
pub(crate) type Metadata = BTreeMap<String, String>;

/// Names and texts; a text that was emptied is none.
pub(crate) type Pairs = Vec<(String, Option<String>)>;

/// One level of a request's parameters.
pub(crate) struct Params<'a> {
    node: Option<&'a Node>,
    prefix: String,
    asked: RefCell<Vec<String>>,
}

impl<'a> Params<'a> {
    /// The top level of a form.
    pub(crate) fn root(node: &'a Node) -> Self {
        Self { node: Some(node), prefix: String::new(), asked: RefCell::default() }
    }

    /// The full name of a parameter of this level, as errors name it.
    pub(crate) fn name(&self, key: &str) -> String {
        if self.prefix.is_empty() { key.to_owned() } else { format!("{}[{key}]", self.prefix) }
    }

    fn node(&self, key: &str) -> Option<&'a Node> {
        self.asked.borrow_mut().push(key.to_owned());
        self.node.and_then(|node| node.get(key))
    }

    /// Refuses every parameter that was not asked for.
    pub(crate) fn finish(&self) -> Result<(), ApiError> {
        if let Some(Node::Branch(children)) = self.node {
            let asked = self.asked.borrow();
            for (key, _) in children {
                if !asked.contains(key) {
                    return Err(ApiError::unknown(&self.name(key)));
                }
            }
        }
        Ok(())
    }

    /// Refuses parameters that Stripe has and the sandbox does not, each with a clear sentence.
    pub(crate) fn refuse(&self, keys: &[&str]) -> Result<(), ApiError> {
        for key in keys {
            if self.node(key).is_some() {
                let name = self.name(key);
                return Err(ApiError::unsupported(&name, &format!("the parameter `{name}`")));
            }
        }
        Ok(())
    }

    /// Text that may be absent. An empty string is an error, as with Stripe.
    pub(crate) fn text(&self, key: &str, longest: usize) -> Result<Option<String>, ApiError> {
        let name = self.name(key);
        match self.node(key) {
            None => Ok(None),
            Some(Node::Branch(_)) => Err(ApiError::invalid(format!("Invalid string: {name}")).param(name)),
            Some(Node::Text(text)) if text.is_empty() => Err(ApiError::empty(&name)),
            Some(Node::Text(text)) if text.chars().count() > longest => Err(ApiError::invalid(format!(
                "Invalid string: {}…; must be at most {longest} characters",
                text.chars().take(20).collect::<String>()
            ))
            .param(name)),
            Some(Node::Text(text)) => Ok(Some(text.clone())),
        }
    }

    /// Text that must be there.
    pub(crate) fn required(&self, key: &str, longest: usize) -> Result<String, ApiError> {
        self.text(key, longest)?.ok_or_else(|| ApiError::missing(&self.name(key)))
    }

    /// An integer between two bounds, both included.
    pub(crate) fn integer(&self, key: &str, lowest: i64, highest: i64) -> Result<Option<i64>, ApiError> {
        let name = self.name(key);
        let Some(text) = self.text(key, 100)? else { return Ok(None) };
        let Ok(number) = text.parse::<i64>() else {
            return Err(ApiError::integer(&name, format!("Invalid integer: {text}")));
        };
        if number < lowest {
            let message = format!("This value must be greater than or equal to {lowest}.");
            return Err(ApiError::integer(&name, message));
        }
        if number > highest {
            let message = format!("This value must be less than or equal to {highest}.");
            return Err(ApiError::integer(&name, message));
        }
        Ok(Some(number))
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>, ApiError> {
        let name = self.name(key);
        match self.text(key, 100)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(ApiError::invalid(format!("Invalid boolean: {other}")).param(name)),
        }
    }

    /// One of a list of words.
    pub(crate) fn choice(&self, key: &str, words: &[&str]) -> Result<Option<String>, ApiError> {
        let name = self.name(key);
        match self.text(key, 100)? {
            Some(word) if !words.contains(&word.as_str()) => {
                Err(ApiError::invalid(format!("Invalid {name}: must be one of {}", either(words))).param(name))
            }
            word => Ok(word),
        }
    }

    /// An absolute `http` or `https` URL. `{CHECKOUT_SESSION_ID}` may stand in it.
    pub(crate) fn url(&self, key: &str) -> Result<Option<String>, ApiError> {
        let name = self.name(key);
        let Some(text) = self.text(key, 5_000)? else { return Ok(None) };
        check_url(&text, &name)?;
        Ok(Some(text))
    }

    /// A nested object; absent is an empty one, and `None` tells which.
    pub(crate) fn object(&self, key: &str) -> Result<Option<Params<'a>>, ApiError> {
        let name = self.name(key);
        match self.node(key) {
            None => Ok(None),
            Some(Node::Text(_)) => Err(ApiError::invalid("Invalid object").param(name)),
            Some(node) => Ok(Some(Params { node: Some(node), prefix: name, asked: RefCell::default() })),
        }
    }

    /// A list of objects: `key[0][…]`.
    pub(crate) fn objects(&self, key: &str) -> Result<Option<Vec<Params<'a>>>, ApiError> {
        let name = self.name(key);
        let Some(children) = self.children(key)? else { return Ok(None) };
        let mut out = Vec::with_capacity(children.len());
        for (index, node) in children {
            let prefix = format!("{name}[{index}]");
            if matches!(node, Node::Text(_)) {
                return Err(ApiError::invalid("Invalid object").param(prefix));
            }
            out.push(Params { node: Some(node), prefix, asked: RefCell::default() });
        }
        Ok(Some(out))
    }

    /// A list of texts: `key[]=a&key[]=b` or `key[0]=a`.
    pub(crate) fn texts(&self, key: &str) -> Result<Option<Vec<String>>, ApiError> {
        let name = self.name(key);
        let Some(children) = self.children(key)? else { return Ok(None) };
        let mut out = Vec::with_capacity(children.len());
        for (index, node) in children {
            match node {
                Node::Text(text) if text.is_empty() => return Err(ApiError::empty(&format!("{name}[{index}]"))),
                Node::Text(text) => out.push(text.clone()),
                Node::Branch(_) => return Err(ApiError::invalid("Invalid string").param(format!("{name}[{index}]"))),
            }
        }
        Ok(Some(out))
    }

    fn children(&self, key: &str) -> Result<Option<&'a [(String, Node)]>, ApiError> {
        let name = self.name(key);
        match self.node(key) {
            None => Ok(None),
            Some(Node::Text(_)) => Err(ApiError::invalid("Invalid array").param(name)),
            Some(Node::Branch(children)) => {
                if children.iter().any(|(k, _)| k.parse::<u16>().is_err()) {
                    return Err(ApiError::invalid("Invalid array").param(name));
                }
                Ok(Some(children))
            }
        }
    }

    /// `metadata[k]=v`; an empty value unsets, and `metadata=` unsets all.
    pub(crate) fn metadata(&self, key: &str) -> Result<Metadata, ApiError> {
        let name = self.name(key);
        let children = match self.node(key) {
            None => return Ok(Metadata::new()),
            Some(Node::Text(text)) if text.is_empty() => return Ok(Metadata::new()),
            Some(Node::Text(_)) => return Err(ApiError::invalid("Invalid object").param(name)),
            Some(Node::Branch(children)) => children,
        };
        let mut out = Metadata::new();
        for (key, node) in children {
            let full = format!("{name}[{key}]");
            let Node::Text(value) = node else {
                return Err(
                    ApiError::invalid("Metadata values must be strings, but nested objects were given.").param(full)
                );
            };
            if key.chars().count() > METADATA_KEY {
                return Err(ApiError::invalid(format!(
                    "Metadata keys can be at most {METADATA_KEY} characters long: {key}"
                ))
                .param(full));
            }
            if value.chars().count() > METADATA_VALUE {
                return Err(ApiError::invalid(format!(
                    "Metadata values can be at most {METADATA_VALUE} characters long, but you passed in a value of \
                     {} characters for '{key}'.",
                    value.chars().count()
                ))
                .param(full));
            }
            if !value.is_empty() {
                out.insert(key.clone(), value.clone());
            }
        }
        if out.len() > METADATA_KEYS {
            return Err(ApiError::invalid(format!("Metadata can have up to {METADATA_KEYS} keys.")).param(name));
        }
        Ok(out)
    }

    /// Text that an empty string takes away: `None` when not given, `Some(None)` when emptied.
    pub(crate) fn changeable(&self, key: &str, longest: usize) -> Result<Option<Option<String>>, ApiError> {
        match self.node(key) {
            Some(Node::Text(text)) if text.is_empty() => Ok(Some(None)),
            _ => Ok(self.text(key, longest)?.map(Some)),
        }
    }

    /// Whether it is given as an empty string: an object that is to be taken away.
    pub(crate) fn is_empty(&self, key: &str) -> bool {
        matches!(self.node(key), Some(Node::Text(text)) if text.is_empty())
    }

    /// `metadata` of an update: pairs to set, keys to take away (empty values), or all of them (`metadata=`).
    pub(crate) fn metadata_change(&self, key: &str) -> Result<Option<MetadataChange>, ApiError> {
        let set = self.metadata(key)?;
        Ok(match self.node(key) {
            None => None,
            Some(Node::Text(_)) => Some(MetadataChange { set, ..MetadataChange::all_gone() }),
            Some(Node::Branch(children)) => {
                let gone = children.iter().filter(|(key, _)| !set.contains_key(key)).map(|(key, _)| key.clone());
                Some(MetadataChange { gone: gone.collect(), set, all: false })
            }
        })
    }

    /// A number such as `25.5`, as it was written and in ten-thousandths of a percent.
    pub(crate) fn percent(&self, key: &str) -> Result<Option<(i64, String)>, ApiError> {
        let Some(text) = self.text(key, 20)? else { return Ok(None) };
        match crate::pricing::percent(&text) {
            Some(rate) => Ok(Some((rate, text))),
            None => {
                Err(ApiError::invalid(format!("Invalid percentage: {text}; must be from 0 to 100"))
                    .param(self.name(key)))
            }
        }
    }

    /// The names and texts of a nested object, whatever its names are; empty texts are `None`.
    pub(crate) fn pairs(&self, key: &str, longest: usize) -> Result<Option<Pairs>, ApiError> {
        let name = self.name(key);
        let Some(Node::Branch(children)) = self.node(key) else {
            return match self.node(key) {
                None => Ok(None),
                Some(_) => Err(ApiError::invalid("Invalid object").param(name)),
            };
        };
        let inner = Params { node: self.node(key), prefix: name, asked: RefCell::default() };
        let mut out = Vec::with_capacity(children.len());
        for (key, _) in children {
            out.push((key.clone(), inner.changeable(key, longest)?.flatten()));
        }
        Ok(Some(out))
    }

    /// A time, or bounds: `created=1` or `created[gte]=1&created[lt]=9`.
    pub(crate) fn range(&self, key: &str) -> Result<Range, ApiError> {
        match self.node.and_then(|node| node.get(key)) {
            Some(Node::Text(_)) => {
                let at = self.integer(key, i64::MIN, i64::MAX)?;
                Ok(Range { gte: at, lte: at, ..Range::default() })
            }
            _ => {
                let Some(bounds) = self.object(key)? else { return Ok(Range::default()) };
                let read = |bound| bounds.integer(bound, i64::MIN, i64::MAX);
                let range = Range { gt: read("gt")?, gte: read("gte")?, lt: read("lt")?, lte: read("lte")? };
                bounds.finish()?;
                Ok(range)
            }
        }
    }
}

/// What an update does to `metadata`.
#[derive(Debug, Clone, Default)]
pub(crate) struct MetadataChange {
    set: Metadata,
    gone: Vec<String>,
    all: bool,
}

impl MetadataChange {
    fn all_gone() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// Does it.
    pub(crate) fn apply(self, metadata: &mut Metadata) {
        if self.all {
            metadata.clear();
        }
        metadata.retain(|key, _| !self.gone.contains(key));
        metadata.extend(self.set);
    }
}

/// Bounds on a time; absent bounds allow all.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Range {
    gt: Option<i64>,
    gte: Option<i64>,
    lt: Option<i64>,
    lte: Option<i64>,
}

impl Range {
    /// Whether the bounds allow this time.
    pub(crate) fn allows(self, at: i64) -> bool {
        self.gt.is_none_or(|bound| at > bound)
            && self.gte.is_none_or(|bound| at >= bound)
            && self.lt.is_none_or(|bound| at < bound)
            && self.lte.is_none_or(|bound| at <= bound)
    }
}

/// Refuses what is not an absolute `http` or `https` URL.
pub(crate) fn check_url(text: &str, param: &str) -> Result<(), ApiError> {
    let filled = text.replace(crate::SESSION_ID_TEMPLATE, "cs_test_0");
    match url::Url::parse(&filled) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(()),
        _ => Err(ApiError::invalid("Not a valid URL").code("url_invalid").param(param)),
    }
}

fn either(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [a, b] => format!("{a} or {b}"),
        [first @ .., last] => format!("{}, or {last}", first.join(", ")),
    }
}
