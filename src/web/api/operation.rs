//! One operation of the API: how it is called, who may, what goes in and out, and who handles it.

use actix_web::Route;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoParams, ToSchema};

use super::views::Page;

/// Schemas by name, as `utoipa` gathers them.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// Who may call an operation at all; the rules on the ledger say the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Accounts and systems of this department.
    Caller,
}

/// One operation.
pub struct Operation {
    /// HTTP method.
    pub method: &'static str,
    /// Path below the base, with its parameters in braces.
    pub path: &'static str,
    /// `operationId`.
    pub id: &'static str,
    /// What it does, and who may, in one line.
    pub summary: &'static str,
    /// Who may call it at all.
    pub access: Access,
    /// Makes the route of its handler.
    pub handler: fn() -> Route,
    /// Parameters of the query string.
    pub query: Option<fn() -> Vec<Parameter>>,
    /// Name of the body's schema in `schemas/`.
    pub body: Option<&'static str>,
    /// What stands in a body of bytes, where it is none of JSON.
    pub bytes: Option<&'static str>,
    /// An example of the body, in JSON.
    pub example: Option<&'static str>,
    /// Status of success.
    pub status: u16,
    /// The answer's schema, none for no content.
    pub answer: Option<fn(&mut Schemas) -> RefOr<Schema>>,
}

impl Operation {
    const fn new(
        method: &'static str,
        path: &'static str,
        id: &'static str,
        handler: fn() -> Route,
        summary: &'static str,
    ) -> Self {
        Self {
            method,
            path,
            id,
            summary,
            access: Access::Caller,
            handler,
            query: None,
            body: None,
            bytes: None,
            example: None,
            status: 200,
            answer: None,
        }
    }

    /// A reading.
    pub const fn get(path: &'static str, id: &'static str, handler: fn() -> Route, summary: &'static str) -> Self {
        Self::new("GET", path, id, handler, summary)
    }

    /// A change, or a call that leaves a record.
    pub const fn post(path: &'static str, id: &'static str, handler: fn() -> Route, summary: &'static str) -> Self {
        Self::new("POST", path, id, handler, summary)
    }

    /// Something whole in the place of what was there.
    pub const fn put(path: &'static str, id: &'static str, handler: fn() -> Route, summary: &'static str) -> Self {
        Self::new("PUT", path, id, handler, summary)
    }

    /// An end.
    pub const fn delete(path: &'static str, id: &'static str, handler: fn() -> Route, summary: &'static str) -> Self {
        Self::new("DELETE", path, id, handler, summary)
    }

    /// For anybody.
    pub const fn public(self) -> Self {
        Self { access: Access::Public, ..self }
    }

    /// Takes parameters in the query string.
    pub const fn query<T: IntoParams>(self) -> Self {
        Self { query: Some(parameters::<T>), ..self }
    }

    /// Takes a body of a schema.
    pub const fn body(self, schema: &'static str, example: &'static str) -> Self {
        Self { body: Some(schema), example: Some(example), ..self }
    }

    /// Takes a body of bytes (application/octet-stream).
    pub const fn takes_bytes(self, what: &'static str) -> Self {
        Self { bytes: Some(what), ..self }
    }

    /// Answers with a list.
    pub const fn answers_list<T: ToSchema>(self) -> Self {
        Self { answer: Some(list_of::<T>), ..self }
    }

    /// Answers with a page of a listing.
    pub const fn answers_page<T: ToSchema>(self) -> Self {
        Self { answer: Some(page_of::<T>), ..self }
    }

    /// Answers with a status and a document.
    pub const fn answers<T: ToSchema>(self, status: u16) -> Self {
        Self { status, answer: Some(schema_of::<T>), ..self }
    }

    /// Answers with a status and nothing.
    pub const fn answers_nothing(self) -> Self {
        Self { status: 204, ..self }
    }
}

fn parameters<T: IntoParams>() -> Vec<Parameter> {
    T::into_params(|| Some(ParameterIn::Query))
}

fn list_of<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    ArrayBuilder::new().items(schema_of::<T>(schemas)).build().into()
}

/// Pages of different things need different names, which the derivation does not give them.
fn page_of<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    schema_of::<T>(schemas);
    schema_named::<Page<T>>(format!("PageOf{}", T::name()), schemas)
}

fn schema_of<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    schema_named::<T>(T::name().into_owned(), schemas)
}

fn schema_named<T: ToSchema>(name: String, schemas: &mut Schemas) -> RefOr<Schema> {
    T::schemas(schemas);
    let reference = Ref::from_schema_name(name.clone());
    schemas.push((name, T::schema()));
    reference.into()
}
