/** Who people are at a node: roles, and the agencies that work for its authority. */

/** What a person may be: all but the last are of the central authority itself. */
export const ROLES = ['REGISTRAR', 'DRAFTER', 'APPROVER', 'REVIEWER', 'EXECUTOR', 'AUDITOR', 'AGENCY'] as const;

/** One of them. Whoever can open the node's folder is its operator, and needs no credential. */
export type Role = (typeof ROLES)[number];

/** Domestic agencies that a case in execution may be given to in part. */
export const AGENCIES = ['POLICE', 'CUSTOMS', 'IMMIGRATION', 'FINANCIAL_REGULATOR', 'CYBER_UNIT', 'DRUG_UNIT'] as const;

/** One of them. */
export type Agency = (typeof AGENCIES)[number];

/** ASSIGNED: the cases that the person was assigned to. ALL: every case, as the head of an authority may need. */
export type Clearance = 'ASSIGNED' | 'ALL';
