//! The bookstore domain.
