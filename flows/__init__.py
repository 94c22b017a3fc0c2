"""The flows: one file for each verb, with the name of the verb. They only call steps."""
