// The stack that CloudFormation makes of an expanded template with given parameters: conditions, rules and
// `Fn::If`. Neither SAM nor cfn-lint shows that.

/** The names that a value refers to. */
export function* namesIn(value) {
  if (Array.isArray(value)) {
    for (const item of value) yield* namesIn(item);
  } else if (value && typeof value === "object") {
    for (const [key, inner] of Object.entries(value)) {
      if (key === "Ref" || key === "DependsOn") yield* [inner].flat();
      else if (key === "Fn::GetAtt") yield [inner].flat()[0].split(".")[0];
      else if (key === "Fn::Sub") {
        const [text, own = {}] = [inner].flat();
        for (const [, name] of text.matchAll(/\$\{(\w+)(?:\.\w+)?\}/g)) if (!(name in own)) yield name;
        yield* namesIn(own);
      } else yield* namesIn(inner);
    }
  }
}

export class Stack {
  /** By their ids: those whose condition holds, with every `Fn::If` decided and every parameter filled in. */
  resources;
  outputs;
  /** The reasons why CloudFormation refuses the parameters, in its words; empty if it takes them. */
  refusals;
  #template;
  #parameters;

  constructor(template, given) {
    this.#template = template;
    const { Parameters, Rules, Resources, Outputs } = template;
    for (const name of Object.keys(given)) if (!Parameters[name]) throw new Error(`no parameter ${name}`);
    this.#parameters = Object.fromEntries(
      Object.entries(Parameters).map(([name, { Default }]) => [name, given[name] ?? Default]),
    );
    this.refusals = [
      ...Object.entries(Parameters).flatMap(([name, parameter]) => this.#constraint(name, parameter)),
      ...Object.values(Rules).flatMap((rule) => this.#broken(rule)),
    ];
    this.resources = this.#present(Resources);
    this.outputs = this.#present(Outputs);
  }

  #constraint(name, { AllowedPattern, AllowedValues, ConstraintDescription }) {
    const value = this.#parameters[name];
    if (value === undefined) return [`${name} must have a value`];
    if (AllowedPattern && !new RegExp(AllowedPattern).test(value))
      return [`${name} ${ConstraintDescription}`];
    if (AllowedValues && !AllowedValues.map(String).includes(String(value)))
      return [`${name} must be one of ${AllowedValues.join(", ")}`];
    return [];
  }

  #broken({ RuleCondition, Assertions }) {
    if (RuleCondition && !this.#holds(RuleCondition)) return [];
    return Assertions.filter(({ Assert }) => !this.#holds(Assert)).map(
      ({ AssertDescription }) => AssertDescription,
    );
  }

  #holds(condition) {
    if (typeof condition === "string") return this.#holds(this.#template.Conditions[condition]);
    const [[kind, of]] = Object.entries(condition);
    switch (kind) {
      case "Condition":
        return this.#holds(of);
      case "Fn::Not":
        return !this.#holds(of[0]);
      case "Fn::And":
        return of.every((one) => this.#holds(one));
      case "Fn::Or":
        return of.some((one) => this.#holds(one));
      case "Fn::Equals": {
        const [left, right] = of.map((side) => this.#decided(side));
        return String(left) === String(right);
      }
      default:
        throw new Error(`${kind} is not evaluated here`);
    }
  }

  #present(entries) {
    const present = Object.entries(entries).filter(
      ([, { Condition }]) => !Condition || this.#holds(Condition),
    );
    return Object.fromEntries(present.map(([id, { Condition, ...entry }]) => [id, this.#decided(entry)]));
  }

  /** The value without its `Fn::If` and parameters; `undefined` for `AWS::NoValue`. */
  #decided(value) {
    if (Array.isArray(value))
      return value.map((item) => this.#decided(item)).filter((item) => item !== undefined);
    if (!value || typeof value !== "object") return value;
    if ("Fn::If" in value) {
      const [condition, yes, no] = value["Fn::If"];
      return this.#decided(this.#holds(condition) ? yes : no);
    }
    if ("Ref" in value) {
      if (value.Ref === "AWS::NoValue") return undefined;
      return value.Ref in this.#parameters ? this.#parameters[value.Ref] : value;
    }
    const entries = Object.entries(value).map(([key, inner]) => [key, this.#decided(inner)]);
    if (Array.isArray(value["Fn::Sub"])) return substituted(...entries[0][1]);
    return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined));
  }
}

/** An `Fn::Sub` with its own variables filled in, if they are texts. */
function substituted(text, own) {
  const others = {};
  for (const [name, value] of Object.entries(own)) {
    const known = value["Fn::Sub"] ?? value;
    if (typeof known === "string") text = text.replaceAll(`\${${name}}`, known);
    else others[name] = value;
  }
  return { "Fn::Sub": Object.keys(others).length > 0 ? [text, others] : text };
}
