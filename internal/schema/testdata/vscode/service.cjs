// Asks VS Code's JSON language service about documents. The input is a list of questions,
// {kind, uri, text, offset, schema}, in JSON; the output has an answer for each:
//
//     validate   messages, each with the text that it is about
//     complete   labels
//     hover      the text that is shown
//     patterns   errors of regular expressions in the document, a schema
//
// A document's own $schema counts, unless the question names the file of a schema.
"use strict";

const fs = require("fs");
const { getLanguageService, TextDocument } = require("vscode-json-languageservice");

const service = getLanguageService({
	schemaRequestService: async (uri) => fs.readFileSync(new URL(uri), "utf8"),
	workspaceContext: { resolveRelativePath: (path, resource) => new URL(path, resource).href },
});

async function answer({ kind, uri, text, offset, schema }) {
	const document = TextDocument.create(uri, "json", 1, text);
	const parsed = service.parseJSONDocument(document);
	const at = document.positionAt(offset);
	switch (kind) {
		case "validate": {
			const given = schema && JSON.parse(fs.readFileSync(schema, "utf8"));
			const found = await service.doValidation(document, parsed, undefined, given);
			return found.map((d) => d.message + ": " + document.getText(d.range));
		}
		case "patterns":
			return brokenPatterns(JSON.parse(text));
		case "complete":
			return (await service.doComplete(document, at, parsed)).items.map((i) => i.label);
		case "hover": {
			const shown = await service.doHover(document, at, parsed);
			return shown ? [].concat(shown.contents).map((c) => c.value ?? c) : [];
		}
	}
	throw new Error("unknown kind " + kind);
}

// VS Code ignores a pattern that JavaScript cannot read.
function brokenPatterns(schema) {
	const errors = [];
	JSON.stringify(schema, (name, value) => {
		if (name === "pattern" && typeof value === "string") {
			try {
				new RegExp(value, "u");
			} catch (error) {
				errors.push(error.message);
			}
		}
		return value;
	});
	return errors;
}

async function main() {
	const answers = [];
	for (const question of JSON.parse(fs.readFileSync(0, "utf8"))) {
		answers.push(await answer(question));
	}
	process.stdout.write(JSON.stringify(answers));
}

main();
