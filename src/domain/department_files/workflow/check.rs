//! What a workflow's schema cannot say: that its parts name each other rightly.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::case_rules::{Op, Operand, Rule};
use crate::domain::schema::{Fault, Schema};
use crate::ids::{ItemName, Slug};

use super::{Kind, Step, WorkflowCertificate, WorkflowFile};

/// What parts may name.
struct Names<'a> {
    workflow: &'a WorkflowFile,
    fields: BTreeSet<ItemName>,
}

/// Everything that does not fit.
pub(super) fn faults(workflow: &WorkflowFile) -> Vec<Fault> {
    let mut faults = form(workflow);
    let fields = workflow.fields().into_iter().map(|field| field.name).collect();
    let names = Names { workflow, fields };
    names.pulls(&mut faults);
    names.rules(&mut faults);
    names.steps(&mut faults);
    if let Some(certificate) = &workflow.certificate {
        names.certificate(certificate, &mut faults);
    }
    if let Some(notice) = &workflow.notice {
        for (lang, text) in [("zh", &notice.text.zh), ("en", &notice.text.en)] {
            names.placeholders(&format!("/notice/text/{lang}"), text, &mut faults);
        }
    }
    faults
}

fn form(workflow: &WorkflowFile) -> Vec<Fault> {
    if let Err(why) = Schema::compile(&workflow.form) {
        return vec![Fault::new("/form", why)];
    }
    let mut faults = Vec::new();
    let properties = workflow.form.get("properties").and_then(Value::as_object);
    for (name, schema) in properties.into_iter().flatten() {
        let at = |key: &str| format!("/form/properties/{name}{key}");
        let bounds = ["maxLength", "format", "enum", "pattern"];
        if schema.get("type").and_then(Value::as_str) == Some("string")
            && !bounds.iter().any(|key| schema.get(key).is_some())
        {
            faults.push(Fault::new(at(""), "needs maxLength, format, enum or pattern"));
        }
        let labels = schema.get("x-labels").and_then(Value::as_object);
        let values: Vec<&str> =
            schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        for label in
            labels.into_iter().flatten().map(|(value, _)| value).filter(|value| !values.contains(&value.as_str()))
        {
            faults.push(Fault::new(at(&format!("/x-labels/{label}")), "is not among the values of enum"));
        }
    }
    let known = |name: &&str| properties.is_some_and(|properties| properties.contains_key(*name));
    let required = workflow.form.get("required").and_then(Value::as_array).into_iter().flatten();
    for (at, name) in required.filter_map(Value::as_str).enumerate().filter(|(_, name)| !known(name)) {
        faults.push(Fault::new(format!("/form/required/{at}"), format!("`{name}` is not a field of the form")));
    }
    faults
}

impl Names<'_> {
    fn field(&self, at: String, name: &ItemName, faults: &mut Vec<Fault>) {
        if !self.fields.contains(name) {
            faults.push(Fault::new(at, format!("`{name}` is not a field of the form")));
        }
    }

    fn operand(&self, at: String, operand: &Operand, faults: &mut Vec<Fault>) {
        let pull = |name: &Slug| self.workflow.pull(name);
        match operand {
            Operand::Form(field) => self.field(at, field, faults),
            Operand::Rows(name) if pull(name).is_none() => {
                faults.push(Fault::new(at, format!("there is no pull `{name}`")));
            }
            Operand::Rows(_) => {}
            Operand::Item(name, item) => match pull(name) {
                None => faults.push(Fault::new(at, format!("there is no pull `{name}`"))),
                Some(pull) if !pull.items.contains(item) => {
                    faults.push(Fault::new(at, format!("the pull `{name}` does not ask for `{item}`")));
                }
                Some(_) => {}
            },
        }
    }

    fn pulls(&self, faults: &mut Vec<Fault>) {
        let mut names = BTreeSet::new();
        for (at, pull) in self.workflow.pulls.iter().enumerate() {
            if !names.insert(&pull.name) {
                faults.push(Fault::new(format!("/pull/{at}/name"), "is named twice"));
            }
            if pull.name.as_str() == Operand::FORM {
                faults.push(Fault::new(format!("/pull/{at}/name"), "is the word for the form"));
            }
            for (of_entry, of_form) in &pull.params {
                self.field(format!("/pull/{at}/params/{of_entry}"), of_form, faults);
            }
            if let Some(when) = &pull.when {
                self.field(format!("/pull/{at}/when"), when, faults);
            }
        }
    }

    fn rules(&self, faults: &mut Vec<Fault>) {
        let mut names = BTreeSet::new();
        for (at, rule) in self.workflow.rules.iter().enumerate() {
            if !names.insert(&rule.name) {
                faults.push(Fault::new(format!("/rule/{at}/name"), "is named twice"));
            }
            self.operand(format!("/rule/{at}/left"), &rule.left, faults);
            if let Some(right) = &rule.right {
                self.operand(format!("/rule/{at}/right"), right, faults);
            }
            if let Some(why) = misfit(rule) {
                faults.push(Fault::new(format!("/rule/{at}"), why));
            }
        }
    }

    fn steps(&self, faults: &mut Vec<Fault>) {
        let mut before: BTreeSet<&Slug> = BTreeSet::new();
        for (at, step) in self.workflow.sign_offs.iter().enumerate() {
            self.department(at, step, faults);
            for (place, earlier) in step.after.iter().enumerate().filter(|(_, earlier)| !before.contains(earlier)) {
                let why = format!("`{earlier}` is not a step above this one");
                faults.push(Fault::new(format!("/sign_off/{at}/after/{place}"), why));
            }
            if !before.insert(&step.step) {
                faults.push(Fault::new(format!("/sign_off/{at}/step"), "is named twice"));
            }
        }
    }

    fn department(&self, at: usize, step: &Step, faults: &mut Vec<Fault>) {
        match (&step.department, &step.department_from) {
            (Some(_), None) => {}
            (None, Some(Operand::Form(field))) => {
                let place = format!("/sign_off/{at}/department_from");
                let fields = self.workflow.fields();
                let known = fields.iter().find(|known| &known.name == field);
                if known.is_some_and(|known| known.kind != Kind::String || !known.required) {
                    faults.push(Fault::new(place.clone(), format!("`{field}` must be a required text")));
                }
                self.field(place, field, faults);
            }
            (None, Some(_)) => {
                faults.push(Fault::new(format!("/sign_off/{at}/department_from"), "must be a field of the form"));
            }
            _ => faults.push(Fault::new(format!("/sign_off/{at}"), "needs either department or department_from")),
        }
    }

    fn certificate(&self, certificate: &WorkflowCertificate, faults: &mut Vec<Fault>) {
        self.operand("/certificate/holder".to_owned(), &certificate.holder, faults);
        if let Some(name) = &certificate.holder_name {
            self.operand("/certificate/holder_name".to_owned(), name, faults);
        }
        for (field, operand) in &certificate.fields {
            self.operand(format!("/certificate/fields/{field}"), operand, faults);
        }
        let bare = certificate.type_code.is_some() && certificate.type_name.is_some();
        if certificate.kind.is_none() && !bare {
            faults.push(Fault::new("/certificate", "needs a type, or type_code and type_name"));
        }
    }

    /// Every `{...}` of a notice must be something that is known at the end.
    fn placeholders(&self, at: &str, text: &str, faults: &mut Vec<Fault>) {
        for part in text.split('{').skip(1) {
            let name = part.split_once('}').map(|(name, _)| name);
            match name.map(str::parse::<Operand>) {
                Some(Ok(Operand::Form(field))) => self.field(at.to_owned(), &field, faults),
                _ if name == Some("certificate") && self.workflow.certificate.is_some() => {}
                _ => faults
                    .push(Fault::new(at, "only {form.FIELD} and, with a certificate, {certificate} are filled in")),
            }
        }
    }
}

/// Why a rule's operands do not go with its op.
fn misfit(rule: &Rule) -> Option<&'static str> {
    let given = (rule.right.is_some(), rule.value.is_some(), rule.values.is_some());
    match (rule.op, given) {
        (Op::OneOf, (false, false, true)) => None,
        (Op::OneOf, _) => Some("one_of needs values alone"),
        (Op::AgeAtLeast, (false, true, false)) => {
            rule.value.as_ref().and_then(Value::as_u64).is_none().then_some("age_at_least needs years as its value")
        }
        (Op::AgeAtLeast, _) => Some("age_at_least needs a value alone"),
        (_, (true, false, false) | (false, true, false)) => None,
        _ => Some("needs either right or value"),
    }
}
