// Holds what regcred says of who may read a secret to an evaluator of IAM policies, npm's @cloud-copilot/iam-simulate.
//
//     iam_judge.cjs PACKAGES PROGRAM WRITTEN [--full] [--show]
//
// PACKAGES is the folder in which package.json's packages are installed, PROGRAM the example `policy_readers`, WRITTEN a file
// for the policies as they were and as regcred would put them, for a judge of their spelling (policy_spelling.py). Policies of other people are made by a seeded
// generator, 40 of them, 400 with --full, always the same ones. regcred puts its statement beside them and says of each principal
// whether it may read; the evaluator is asked the same of the policy that came of it, each principal having every permission of its own.
// And what the other people's statements say of reading, describing and deleting has to be the same before and after: nothing is lost
// or widened. Ends with 1 if one differs, but for what IAM's documentation says otherwise than the evaluator (EXPLAINED).

'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { createRequire } = require('node:module');

const [packages, program, written, ...flags] = process.argv.slice(2);
const load = createRequire(path.join(path.resolve(packages), 'package.json'));
const { runSimulation } = load('@cloud-copilot/iam-simulate');

const [QUICK, FULL] = [40, 400];
// The most of the verdicts that may be left open: a program that tells nothing would differ in nothing.
const MOST_OPEN = 0.05;
const [ACCOUNT, OTHER, REGION] = ['123456789012', '222222222222', 'us-east-2'];
const SECRET = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:ecr-pullthroughcache/docker-hub-AbCdEf`;
const OURS = 'RegcredOnlyEcrPullThroughCacheReads';
const DEAD = 'AROAEXAMPLEEXAMPLE000';
const READ = 'secretsmanager:GetSecretValue';
const ECR = `arn:aws:iam::${ACCOUNT}:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/AWSServiceRoleForECRPullThroughCache`;

const role = (name, arn, account = ACCOUNT) => ({
  name, arn, account, type: 'AssumedRole', asks: `arn:aws:sts::${account}:assumed-role/${arn.split('/').at(-1)}/session`,
});
const user = (name) => {
  const arn = `arn:aws:iam::${ACCOUNT}:user/${name}`;
  return { name: `user ${name}`, arn, account: ACCOUNT, type: 'User', asks: arn, username: name };
};
const PRINCIPALS = [
  role('ECR', ECR),
  user('regcred'),
  user('ann'),
  role('role deploy', `arn:aws:iam::${ACCOUNT}:role/deploy`),
  role('role runner', `arn:aws:iam::${ACCOUNT}:role/ci/runner`),
  { name: 'the root user', arn: `arn:aws:iam::${ACCOUNT}:root`, account: ACCOUNT, type: 'Account', asks: `arn:aws:iam::${ACCOUNT}:root` },
  role(`role app of account ${OTHER}`, `arn:aws:iam::${OTHER}:role/app`, OTHER),
  { name: 'service lambda.amazonaws.com', account: OTHER, asks: 'lambda.amazonaws.com' },
];
const ARNS = PRINCIPALS.map((principal) => principal.arn).filter(Boolean);
const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/deploy/other`;

// Where regcred follows IAM's documentation and the evaluator does not.
const EXPLAINED = [
  {
    what: 'an account that NotPrincipal names does not except all of its users and roles',
    says: 'IAM user guide, NotPrincipal, of a list with the user Bob and the root of his account: "all principals except the user named Bob in AWS account 444455556666 are explicitly denied access"',
    is: (statement) => names(statement.NotPrincipal?.AWS).some((name) => name === ACCOUNT || name.endsWith(`${ACCOUNT}:root`)),
  },
];

// A random number in [0, 1) from a seed (mulberry32).
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

class Maker {
  constructor(seed) {
    this.random = random(seed);
  }

  chance(oneIn) {
    return this.random() < 1 / oneIn;
  }

  pick(list) {
    return list[Math.floor(this.random() * list.length)];
  }

  some(list, most) {
    const some = Array.from({ length: 1 + Math.floor(this.random() * most) }, () => this.pick(list));
    const once = [...new Set(some)];
    return once.length === 1 && this.chance(2) ? once[0] : once;
  }

  case() {
    const statements = Array.from({ length: 1 + Math.floor(this.random() * 3) }, (_, number) => this.statement(number));
    const version = this.chance(8) ? '2008-10-17' : '2012-10-17';
    const listed = this.pick([null, null, [], names(this.some([...ARNS.slice(1), SESSION], 3))]);
    const caller = this.pick([PRINCIPALS[1].arn, `arn:aws:sts::${ACCOUNT}:assumed-role/deploy/run`]);
    const policy = { Version: version, Statement: statements };
    return { account: ACCOUNT, caller, listed, ours: this.chance(2), secret: SECRET, policy };
  }

  statement(number) {
    const effect = this.chance(2) ? 'Deny' : 'Allow';
    const statement = { Sid: `Theirs${number}`, Effect: effect, ...this.who(effect), ...this.actions(), ...this.resources() };
    return this.chance(2) ? statement : { ...statement, Condition: this.conditions() };
  }

  who(effect) {
    const all = [...ARNS, ...ARNS, ACCOUNT, `arn:aws:iam::${ACCOUNT}:root`, OTHER, SESSION, DEAD];
    if (effect === 'Deny' && this.chance(4)) return { NotPrincipal: { AWS: this.some([...ARNS, ECR, ACCOUNT, DEAD], 4) } };
    const service = { Service: 'lambda.amazonaws.com' };
    const named = { AWS: this.some(all, 3) };
    return { Principal: this.pick(['*', { AWS: '*' }, named, named, named, service, { ...named, ...service }, { AWS: DEAD, ...service }]) };
  }

  actions() {
    const reading = [READ, 'SecretsManager:getsecretvalue', 'secretsmanager:Get*Value', 'secretsmanager:*', '*', 'secretsmanager:GetSecretValu?'];
    const other = ['secretsmanager:DescribeSecret', 'secretsmanager:*Policy', 'secretsmanager:Get*Polic?', 's3:*'];
    return this.chance(6) ? { NotAction: this.some([...reading, ...other, ...other], 2) } : { Action: this.some([...reading, ...reading, ...other], 2) };
  }

  resources() {
    const these = [SECRET, `arn:aws:secretsmanager:*:${ACCOUNT}:secret:ecr-pullthroughcache/*`, `${SECRET.slice(0, -6)}??????`];
    const wide = ['arn:aws:secretsmanager:*', 'arn:*', `arn:aws:secretsmanager:us-*:secret:*`, `arn:aws:secretsmanager:*hub-AbCdEf`];
    const others = [...wide, `${SECRET}x`, `arn:aws:secretsmanager:${REGION}:${OTHER}:secret:*`, 'arn:aws:secretsmanager:eu-*:*:secret:*'];
    const variables = ['${aws:PrincipalAccount}:secret:*', `${ACCOUNT}:secret:\${aws:username}*`, `${ACCOUNT}:secret:*\${aws:PrincipalType}`];
    const variable = `arn:aws:secretsmanager:${REGION}:${this.pick(variables)}`;
    if (this.chance(10)) return { NotResource: this.some([...these, ...others], 2) };
    return { Resource: this.pick(['*', '*', '*', '*', this.some([...these, ...others, variable], 2)]) };
  }

  conditions() {
    const all = {};
    for (let left = this.pick([1, 1, 2]); left > 0; left -= 1) {
      const [operator, key, values] = this.test();
      all[operator] = { ...all[operator], [key]: values };
    }
    return all;
  }

  test() {
    const arns = [...ARNS, `arn:aws:iam::${ACCOUNT}:role/*`, `arn:aws:iam::*:user/*`, `arn:aws:iam::${ACCOUNT}:role/*/runner`,
      `arn:aws:iam::${ACCOUNT}:role/d?ploy`, '*', 'arn:aws:iam::*', 'arn:*:role/deploy', `arn:aws:iam::${ACCOUNT}:*`, 'arn:aws:iam:*:*:user/a*', `arn:aws:iam::\${aws:PrincipalAccount}:user/\${aws:username}`];
    const set = this.pick(['', '', '', '', '', 'ForAnyValue:', 'ForAllValues:']);
    const end = this.pick(['', '', '', 'IfExists']);
    const texts = ['StringEquals', 'StringNotEquals', 'StringLike', 'StringNotLike', 'StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase'];
    const test = (operators, key, values) => [set + this.pick(operators) + end, key, this.some(values, 2)];
    const one = (operators, key, values) => [this.pick(operators) + end, key, this.pick(values)];
    return this.pick([
      () => test(['ArnLike', 'ArnNotLike', 'ArnEquals', 'ArnNotEquals'], 'aws:PrincipalArn', arns),
      () => test(['ArnLike', 'ArnNotLike', 'ArnEquals', 'ArnNotEquals'], this.pick(['aws:PrincipalArn', 'AWS:principalARN']), arns),
      () => test(texts, 'aws:PrincipalArn', arns),
      () => test(texts, 'aws:PrincipalAccount', [ACCOUNT, OTHER, '1234*', '${aws:ResourceAccount}']),
      () => test(texts, 'aws:username', ['ann', 'ANN', 're*', '${*}', 'a?n']),
      () => test(texts, this.pick(['aws:SourceAccount', 'aws:SourceArn']), [ACCOUNT, '*']),
      () => test(texts, 'aws:PrincipalType', ['User', 'AssumedRole', 'assumedrole', 'Account']),
      () => test(texts, 'aws:RequestedRegion', [REGION, 'us-*', 'eu-west-1']),
      () => one(['Bool'], this.pick(['aws:SecureTransport', 'aws:PrincipalIsAWSService']), ['true', 'false', false]),
      () => ['Null', this.pick(['aws:username', 'aws:SourceAccount', 'aws:PrincipalArn']), this.pick(['true', 'false'])],
      () => this.pick([['StringNotEquals', 'aws:SourceVpce', 'vpce-1'], ['NotIpAddress', 'aws:SourceIp', '10.0.0.0/8'], ['StringEquals', 'aws:PrincipalTag/team', 'a']]),
    ])();
  }
}

function names(value) {
  return value === undefined ? [] : [value].flat();
}

// The request's context, as IAM's documentation has it of each kind of principal. Services carry nothing of a principal.
function context(principal) {
  const common = { 'aws:SecureTransport': 'true', 'aws:RequestedRegion': REGION, 'aws:ResourceAccount': ACCOUNT };
  if (!principal.arn) return { ...common, 'aws:PrincipalIsAWSService': 'true' };
  const named = principal.username ? { 'aws:username': principal.username } : {};
  return {
    ...common, ...named, 'aws:PrincipalArn': principal.arn, 'aws:PrincipalAccount': principal.account,
    'aws:PrincipalType': principal.type, 'aws:PrincipalIsAWSService': 'false', 'aws:ViaAWSService': 'false',
  };
}

// Whether the evaluator lets a principal do something.
async function allows(policy, principal, action = READ) {
  const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
  const ran = await runSimulation({
    request: { action, principal: principal.asks, resource: { accountId: ACCOUNT, resource: SECRET }, contextVariables: context(principal) },
    identityPolicies: principal.arn ? [{ name: 'everything', policy: everything }] : [],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy: policy.Statement.length ? policy : undefined,
  }, {});
  if (ran.resultType === 'error') throw new Error(JSON.stringify(ran.errors));
  return ran.overallResult === 'Allowed';
}

// What regcred says of a principal.
function said(access, principal) {
  const among = (list) => list.some((somebody) => somebody.name === principal.name);
  if (among(access.readers)) return 'reads';
  return among(access.unknown) ? 'open' : 'kept out';
}

async function main() {
  const count = flags.includes('--full') ? FULL : QUICK;
  const cases = Array.from({ length: count }, (_, number) => new Maker(number).case());
  const answers = JSON.parse(execFileSync(program, { input: JSON.stringify(cases), maxBuffer: 1 << 28 }).toString());
  fs.writeFileSync(written, JSON.stringify(answers.map(({ policy }, number) => ({ before: cases[number].policy, after: policy }))));
  const counts = { same: 0, open: 0, explained: 0, differ: 0, merged: 0, lost: 0 };
  for (const [number, made] of cases.entries()) {
    const { access, policy, blocked } = answers[number];
    const why = (principal) => access.kept_out.find((somebody) => somebody.name === principal.name)?.why;
    const known = (principal) => policy.Statement.some((statement) =>
      why(principal) === `statement ${statement.Sid} denies it` && EXPLAINED.some((explained) => explained.is(statement)));
    const show = (...words) => console.log(`${number}:`, ...words, '\n ', JSON.stringify(made), '\n ', JSON.stringify(access));
    const foreign = { ...policy, Statement: policy.Statement.filter((statement) => statement.Sid !== OURS) };
    for (const principal of PRINCIPALS) {
      const [mine, theirs] = [said(access, principal), (await allows(policy, principal)) ? 'reads' : 'kept out'];
      const verdict = mine === 'open' ? 'open' : mine === theirs ? 'same' : known(principal) ? 'explained' : 'differ';
      counts[verdict] += 1;
      if (verdict === 'differ' || (verdict === 'explained' && flags.includes('--show'))) show(principal.name, 'regcred:', mine, 'evaluator:', theirs);
      for (const action of [READ, 'secretsmanager:DescribeSecret', 'secretsmanager:DeleteSecret']) {
        const same = (await allows(made.policy, principal, action)) === (await allows(foreign, principal, action));
        counts[same ? 'merged' : 'lost'] += 1;
        if (!same) show(principal.name, action, 'is no longer what it was');
      }
    }
    if (blocked !== access.kept_out.some((somebody) => somebody.name === 'ECR')) {
      counts.differ += 1;
      show('a policy that keeps ECR out is blocked, and no other');
    }
  }
  const verdicts = count * PRINCIPALS.length;
  console.log(`${count} policies, ${verdicts} verdicts: ${counts.same} the same, ${counts.open} open, ${counts.differ} differ, ` +
    `${counts.explained} where IAM's documentation says otherwise than the evaluator`);
  EXPLAINED.forEach(({ what, says }) => console.log(`  ${what}; ${says}`));
  console.log(`statements of other people: ${counts.merged} answers the same before and after, ${counts.lost} not`);
  return counts.differ + counts.lost === 0 && counts.open <= verdicts * MOST_OPEN ? 0 : 1;
}

main().then((code) => process.exit(code));
