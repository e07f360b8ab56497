//! regcred
