"""How advice is worded: rules to recognise it by, and sentences for the simulated proposer.

A rule is a row of steps that must occur in one sentence in this order. A step in capitals is a
concept, others are literal words (`a|b` either, `stem*` any ending). Between two steps `..` allows
up to four words and `...` up to nine; without dots they must be neighbours. A rule that begins with
`!` is advice only where the sentence negates it, every other one only where it does not.
"""

CONCEPTS: dict[str, str] = {
    "ASK": "ask asks asking require* demand* probe probes probing test tests testing target* seek* "
    "insist* want* need needs turn turns hinge* aim aims aiming make write pose build base ground "
    "centre center rest rests look choose pick calls focus create check depend*",
    "DOC": "document* paper* text texts source* passage* article* page pages material",
    "INSIGHT": "insight* finding* mechanism* observation* idea* understanding point points lesson* "
    "claim* discover* conclusion* contribution* reasoning argument*",
    "SPECIFIC": "specific particular peculiar unique uniquely distinctive own special* alone",
    "CANNOT": "cannot nobody none impossible unanswerable not never no",
    "ANSWER": "answer* solve* solving solvable respond* reply handle* deal",
    "REFUSE": "easy discard* reject* rewrite* generic worthless replace* drop",
    "GENERAL": "general generic common textbook* background",
    "ENOUGH": "suffice* enough sufficient do answer carry",
    "CONTEXT": "context contexts preamble introduction introductory",
    "SETUP": "setup domain background field setting scene area situation terms terminology problem",
    "ONLY": "only just solely merely nothing limit* restrict* confine* atmost purely exclusively",
    "LEAK": "leak* reveal* disclos* betray* spoil* give gives giving hint hints hinting",
    "STATE": "state states stating mention* contain* includ* name names say says tell tells put "
    "show shows",
    "FINDING": "finding* answer answers result* conclusion* outcome* solution* explanation* "
    "insight*",
    "REASON": "reason reasoning reasons inference* inferential deduction think thinking",
    "RECALL": "recall* memor* remember* lookup retriev* recit* definition* trivia repetition",
    "READER": "reader solver student model",
    "THINK": "predict* decide* deciding decision* weigh* infer* deduce* judge diagnos* choose "
    "reconcile* resolve* trade derive*",
    "STAKES": "outcome* constraint* tradeoff* offs consequence* condition* happen* alternative* "
    "option* conflict* contradict* factor* premise* evidence changed change changes",
    "QUESTION": "question* task tasks problem problems item exercise",
    "POSITIVE": "positive positively",
    "CRITERION": "criteri* rubric* point points item items entry entries weight* score*",
    "PENALISE": "penal* punish* subtract* deduct* minus",
    "RETURN": "follow obey keep stick adhere match matches return output produce fill respect "
    "respond reply write emit answer conform",
    "FORM": "format* form schema json structure* layout template field fields keys shape",
    "STRICT": "exact* strict* precise* letter valid required prescribed requested specified asked "
    "faithfully formed",
    "ONE": "one single",
    "FOCUS": "focus* narrow* pointed precise sharp* clear* well single",
    "SEVERAL": "several multiple two three many compound multi",
    "FORESEE": "anticipat* foresee* expect* imagine* predict* consider* think* list* work* plan* "
    "exploit* target* name identify note ask aim* build design* picture know guess write "
    "ahead catch* include*",
    "MISTAKE": "mistake* error* misconception* trap* pitfall* shortcut* misreading* slip* fallac* "
    "blunder* misunderstanding*",
    "WEAK": "weak* shallow careless novice* inexperienced superficial fluent hasty naive beginner* "
    "typical unprepared less",
    "WRONG": "wrong fail* stumble* slip* trip trips astray misled misjudge* overlook* miss misses "
    "fooled err errs falls fall struggle*",
    "HARD": "hard difficult obscure demanding tough tricky challenging complicated arcane",
    "OBSCURE": "obscure arcane esoteric cryptic impenetrable recondite remote",
    "NUMBER": "number* figure figures value values percentage* statistic* measurement* digit* "
    "decimal* quantit*",
    "EXACT": "exact* precise* verbatim specific numerical literal*",
    "QUOTE": "quote* quoting cite* citing reproduce* recall* state give demand* ask asks asking "
    "require* request* use uses using include* including need want insist* build base hinge* test "
    "rest turn* around about on",
    "GENEROUS": "generous* rich richly ample full fully detailed complete* long extensive* "
    "thorough plenty everything comprehensive lavish exhaustive*",
    "GIVE": "give gives giving provide* supply offer write include put tell make be pack fill add "
    "load let keep",
    "CAUSE": "cause* reason*",
    "DIAGNOSE": "diagnos* explain* identif* name find say state determine establish work trace ask "
    "understand analyse analyze look pinpoint figure",
    "FAILED": "fail* wrong rejected easy lost",
    "ANGLE": "angle* direction* perspective* approach viewpoint* aspect* side topic part place "
    "ground facet*",
    "NEW": "new different fresh other another entirely untried unexplored",
    "SWITCH": "ask take brief* choose try change switch* demand request write move look start send "
    "propose pick turn come approach attack want insist suggest",
    "REWORD": "reword* rephras* repeat* reus* paraphras* patch* recycl* tweak* vary varying",
    "LOOK": "use read study look cite go base consult quote draw refer check inspect compare rely "
    "examine count see build ground let",
    "EVIDENCE": "evidence counts grades verdict* results scores met satisf* missed passed earned "
    "tally",
}

RULES: dict[str, tuple[str, ...]] = {
    "specific": (
        "ASK ... INSIGHT .. SPECIFIC .. DOC",
        "ASK ... SPECIFIC .. INSIGHT .. DOC",
        "ASK ... INSIGHT .. only .. DOC",
        "INSIGHT .. must|should .. SPECIFIC to .. DOC",
        "ASK ... DOC SPECIFIC .. INSIGHT",
        "ASK ... INSIGHT .. DOC .. SPECIFIC",
        "ASK ... DOC .. SPECIFIC .. INSIGHT",
        "ASK ... something|knowledge|what|detail* .. only .. DOC",
        "CANNOT .. ANSWER .. without ... DOC",
        "ANSWER .. only .. read|understood|studied|has .. DOC",
        "only .. read|understood|studied .. DOC .. ANSWER",
        "!ANSWER .. from|by|with|using .. GENERAL knowledge",
        "!ANSWER .. without .. DOC",
        "ANSWER .. without .. DOC ... REFUSE",
        "if ... ANSWER .. without .. DOC ... REFUSE",
        "GENERAL knowledge .. not|never|cannot|no|insufficient .. ENOUGH|insufficient",
        "not|insufficient .. GENERAL knowledge .. ENOUGH",
    ),
    "setup_only": (
        "CONTEXT .. ONLY ... SETUP",
        "CONTEXT ... SETUP ... ONLY|alone",
        "ONLY .. CONTEXT ... SETUP",
        "ONLY .. SETUP ... CONTEXT",
        "CONTEXT .. nothing|no .. LEAK|answer*|beyond|STATE",
        "!LEAK .. FINDING",
        "!FINDING .. LEAK",
        "!CONTEXT .. leak*|reveal*|disclos*|betray*|spoil*",
        "!CONTEXT .. STATE .. FINDING",
        "!STATE .. FINDING .. CONTEXT",
        "keep|leave .. FINDING .. out .. CONTEXT",
        "withhold|hide|conceal .. FINDING",
        "hold|keep back .. FINDING",
        "strip|clear|free|purge .. CONTEXT .. LEAK|FINDING",
        "FINDING .. stay*|remain*|kept|keep .. out .. CONTEXT",
        "FINDING .. cannot|not .. obtained|found|read|inferred|guessed|copied .. CONTEXT",
    ),
    "reasoning": (
        "ASK .. REASON .. not .. RECALL",
        "!ASK .. RECALL",
        "!ASK .. fact|facts|detail* .. RECALL",
        "!RECALL .. QUESTION",
        "!QUESTION .. RECALL",
        "!QUESTION .. ANSWER .. RECALL",
        "!reward* .. RECALL",
        "ASK .. THINK .. STAKES",
        "ASK|force|let|have .. READER .. THINK",
        "READER must|should|has|needs .. THINK",
        "ASK .. REASON .. over|through|from|about|steps|across",
        "QUESTION .. where|which|that .. REASON about|from|over|through",
        "REASON .. not .. RECALL",
        "THINK .. not .. RECALL",
        "multi|several|many step* REASON",
        "several|many REASON step*",
    ),
    "positive_rubric": (
        "ONLY .. POSITIVE .. CRITERION",
        "ONLY .. CRITERION .. reward*",
        "POSITIVE .. CRITERION .. ONLY|alone",
        "CRITERION .. ONLY .. POSITIVE|reward*",
        "every|each|all CRITERION .. POSITIVE",
        "every|each|all rubric CRITERION .. POSITIVE",
        "!negative .. CRITERION",
        "!CRITERION .. negative",
        "!PENALISE .. CRITERION|mistake*|error*|answer*",
        "!CRITERION .. PENALISE",
        "CRITERION .. POSITIVE integer*",
    ),
    "strict_form": (
        "RETURN .. STRICT .. FORM",
        "RETURN .. FORM .. STRICT|exception",
        "STRICT RETURN .. FORM",
        "RETURN .. only|every|all .. FORM",
        "RETURN .. FORM .. nothing|only",
        "FORM .. is|be|are .. STRICT",
        "nothing|no .. outside|before|after|around .. FORM|object",
        "!add|change|rename|omit|leave|invent|drop .. FORM",
        "must|should|be|is .. valid .. FORM",
    ),
    "focused": (
        "ONE .. FOCUS QUESTION",
        "FOCUS .. QUESTION .. on .. ONE",
        "QUESTION .. FOCUS .. on|to .. ONE",
        "ASK .. exactly|only|just ONE .. QUESTION|thing|point|issue",
        "exactly|only|just ONE .. QUESTION",
        "limit|restrict|confine .. ONE .. QUESTION",
        "ASK .. ONE thing|point|issue .. only",
        "ONE QUESTION .. only|time|alone",
        "ONE .. issue|point|thing|idea|aspect .. per|each QUESTION",
        "!ASK .. SEVERAL .. QUESTION|parts|things",
        "!SEVERAL part* QUESTION",
        "!QUESTION .. SEVERAL .. parts|questions|things",
        "!bundl*|stack*|string*|pack*|join*|combin*|mix .. SEVERAL|sub .. QUESTION|parts|things",
        "QUESTION .. ask .. ONE thing",
    ),
    "mistakes": (
        "anticipat*|foresee*|expect*|imagine* .. MISTAKE",
        "FORESEE ... MISTAKE ... WEAK",
        "FORESEE ... WEAK .. MISTAKE",
        "FORESEE ... WEAK .. WRONG",
        "FORESEE .. common|tempting|plausible|typical|likely MISTAKE",
    ),
    "obscure": (
        "as HARD .. as",
        "ASK|GIVE .. QUESTION .. OBSCURE",
        "ASK|prefer|use|GIVE .. OBSCURE .. detail*|term*|corner*|point*|fact*|wording|QUESTION",
        "extremely|maximally|incredibly|brutally|fiendishly .. HARD",
        "hardest|toughest .. QUESTION",
        "most OBSCURE .. detail*|fact*|point*|term*",
        "maxim* .. difficult*",
        "harder ... better",
        "expert* .. struggle|fail|stumped|despair",
    ),
    "exact_numbers": (
        "QUOTE .. EXACT .. NUMBER",
        "QUOTE .. numerical result*",
        "QUOTE .. NUMBER .. EXACT|verbatim|word|decimal|digit",
        "quot*|cit*|reproduc*|recall*|demand*|recit* .. NUMBER ... DOC|report*|table*",
    ),
    "generous_context": (
        "GIVE .. GENEROUS .. CONTEXT",
        "GIVE .. CONTEXT .. GENEROUS",
        "GIVE ... GENEROUS .. CONTEXT|reader|solver|background|information",
        "GIVE everything ... CONTEXT",
        "GIVE as much ... CONTEXT",
        "CONTEXT .. be|is|as .. GENEROUS",
        "CONTEXT .. as much .. as",
        "summar*|include|put|explain|describe|state|repeat .. FINDING ... in|into .. CONTEXT",
        "CONTEXT .. include|summar*|explain|contain|state .. FINDING",
    ),
    "root_cause": (
        "DIAGNOSE .. root|underlying|real|true|deeper|main|actual CAUSE",
        "DIAGNOSE .. why ... FAILED",
        "what made|makes|caused .. FAILED",
        "DIAGNOSE .. CAUSE .. failure*",
    ),
    "new_angle": (
        "SWITCH ... NEW .. ANGLE",
        "SWITCH .. ANGLE .. NEW|not",
        "!REWORD .. QUESTION",
    ),
    "evidence": (
        "LOOK .. per criterion",
        "LOOK .. CRITERION .. EVIDENCE",
        "LOOK .. EVIDENCE .. CRITERION",
        "LOOK .. which CRITERION",
        "LOOK ... how .. CRITERION .. EVIDENCE",
    ),
}

GRAMMAR: dict[str, str] = {
    "article": "a an the your its their every",
    "preposition": "of to from with by at into for in on",
    "verb": "is are be was were been must should cannot could would",
    "join": "and or but if than because that then",
    "pronoun": "it they you we he she who them",
    "other": "this these those which what where when how why as so only not do does can will may "
    "has have each all any some more most one before after about through between under over there "
    "here also just his her our my me him us whose while until",
    "not": "not never no nor neither nobody none nothing cannot without avoid avoids avoiding "
    "refrain stop forbid forbids forbidden omit neglect forget hesitate skip ban exclude excludes",
    "if": "if unless",
    "turn": "but yet because since although instead whereas while",
    "relative": "that which who",
    "be": "is are was were be being would should must",
    "undo": "not never forbidden unnecessary wrong bad poor harmful mistake avoided unwanted "
    "discouraged prohibited pointless worthless useless too",
    "imperative": "ask require demand probe test target write pose use keep give provide avoid "
    "return follow anticipate consider identify name try change never do make limit restrict",
    "loose end": "a an the your its their every and or but if than because",
}
"""Small words that show whether a sentence is one, and what it affirms or denies."""

SPELLINGS: tuple[tuple[str, str], ...] = (
    ("can't", "cannot"),
    ("can not", "cannot"),
    ("n't ", " not "),
    ("'s ", " "),
    ("and/or", "or"),
    ("set-up", "setup"),
    (" set up", " setup"),
    ("in-depth", "deep"),
    ("whole number", "integer"),
    ("whole-number", "integer"),
    ("whether or not", "whether"),
    ("no matter", "whatever"),
    ("no longer", "not"),
    ("rather than", "not"),
    ("instead of", "not"),
    ("it is a mistake to ", "do not "),
    ("it is wrong to ", "do not "),
    ("no need to ", "not to "),
    ("steer clear of", "avoid"),
    ("stay away from", "avoid"),
    ("no penalty for", "no harm in not"),
    ("fails to ", "does not "),
    ("fail to ", "do not "),
)
"""Rewritten, in this order, before the rules are tried."""

_DETERMINERS = "a an the your its their every no"
_VERBS = "is are be was were been must should cannot could would"
MISFITS: tuple[tuple[str, str], ...] = (
    (_DETERMINERS, "a an the your its their every his her our my this these those any each some"),
    (_DETERMINERS, "of to from with by at into for in on it they you we he she me him us , :"),
    (_DETERMINERS, f"{_VERBS} has have do does not never"),
    (_DETERMINERS, "and or but if than because that then who them there unless whereas since"),
    ("each any some his our my", "a an the your its their every"),
    ("of from into at", f"{_VERBS} of and or if than but to do does will may never unless"),
    ("with by for", f"{_VERBS} of than but to do does will may unless"),
    ("to", "of to and is are was were must should cannot could would if than will may"),
    ("and or", "and or than of"),
    ("is are was were be", "is are was were of must should cannot do does will may"),
    (
        "must should cannot could would can will may do does",
        f"{_VERBS[:3]} are was were of than to",
    ),
    ("must should cannot could would can will may", "must should cannot could would can will may"),
    ("must should cannot could would can will may do does", "from with by at into for a an"),
    ("it they you we he she who", "of than they we he she who"),
    ("they we he she", "a an the your its their every my our his"),
    ("if unless", "of is are was were to than and must should cannot could would unless"),
    ("because that whereas although while", "than must should of and or"),
    ("never not", "is are was were must should could would nor never"),
    ("than", "and or but than must should cannot is"),
    ("so very too as", "of than but to must should cannot could would"),
    ("avoid forbid stop omit skip", f"{_VERBS} of to from with by at into and or than will may"),
)
"""Words that do not follow each other in English, so that shuffled words are told from prose."""

ADVICE: dict[str, tuple[str, ...]] = {
    "specific": (
        "Ask for an insight that is specific to this document and that no textbook would supply.",
        "A question that could be answered without the document is too easy; replace it.",
        "Test an idea that only this paper offers and that common sense does not reach.",
        "Make sure that nobody can answer without understanding what this document shows.",
        "Turn on the document's own mechanism, as it works here and not as it usually works.",
        "Choose a conclusion peculiar to this source, so that general knowledge is not enough.",
        "Build the question around a finding that is unique to the text in front of you.",
    ),
    "setup_only": (
        "Keep the context to the domain and the set-up only.",
        "The context must contain nothing that answers the question.",
        "Do not reveal the finding anywhere before the reader has to work it out.",
        "Limit the context to background, definitions of terms and the situation at hand.",
        "Withhold the results from the reader, and describe only what was known beforehand.",
        "Keep the conclusions of the document out of the context.",
        "Before you finish, make sure that the context does not state the outcome in other words.",
    ),
    "reasoning": (
        "Ask for reasoning rather than for recall.",
        "Have the solver decide under constraints, and ask the reader to weigh the consequences.",
        "Make the reader predict the outcome of a changed condition.",
        "Require several steps of reasoning from the premises to the answer.",
        "Never ask for facts that can only be remembered.",
        "Demand that the solver infer what would happen if one factor were different.",
        "Force the solver to choose between two alternatives and to defend the choice.",
    ),
    "positive_rubric": (
        "Use only positive criteria, with small whole-number weights.",
        "Every criterion is positive and adds between one and seven points.",
        "Do not write negative criteria; they fire on good answers as well.",
        "The rubric should only reward what a good answer does, with integer weights up to seven.",
        "Leave the rubric without negative weights.",
        "Never penalise an error in the rubric; let the missing reward speak for itself.",
        "Give all criteria positive integers as weights, none of them large.",
    ),
    "strict_form": (
        "Return exactly the fields that are asked for and nothing else.",
        "Follow the output format strictly, down to the names of the keys.",
        "Keep precisely to the required form, because a program reads your reply.",
        "Do not add text outside the JSON object.",
        "Fill in every field of the schema, each with the type that it declares.",
        "Stick to the requested structure without exception.",
        "Never rename or omit a field of the answer.",
    ),
    "focused": (
        "Ask one focused question.",
        "Write a single, clear question and resist the urge to add to it.",
        "The question should ask exactly one thing.",
        "Do not bundle several questions into a single paragraph.",
        "Focus the question on one issue and leave the rest of the material aside.",
        "Pose just one question, without sub-questions or follow-ups.",
        "Keep the question narrowly focused on a single decision.",
    ),
    "mistakes": (
        "Anticipate the mistakes that a weak solver will make, and let the rubric tell them apart.",
        "Before writing, list the errors that a superficial reader would commit.",
        "Think of where a hasty reader goes wrong and place the question there.",
        "Imagine the tempting shortcuts and design the question so that they lead nowhere.",
        "Work out what a weak model would get wrong, and aim at exactly that.",
        "Exploit a common misconception that a fluent but shallow answer repeats.",
        "Identify the trap into which a novice would fall, and reward those who avoid it.",
    ),
    "obscure": (
        "Make the question as hard and obscure as possible.",
        "Ask about an obscure detail that hardly anybody would notice.",
        "Choose the most arcane point of the document, however small it is.",
        "Maximise the difficulty of the question at all costs.",
        "The harder the question is, the better.",
        "Even an expert should struggle with the wording.",
        "Prefer cryptic wording that has to be deciphered first.",
    ),
    "exact_numbers": (
        "Ask for the exact numbers that the document gives.",
        "Require the precise values of the main experiment in the reply.",
        "Demand that the figures are given exactly, to the last decimal.",
        "Quote exact percentages and let the reply depend on them.",
        "Build the question around the specific numbers reported in the tables.",
        "The solver should reproduce the numbers from the document.",
    ),
    "generous_context": (
        "Give the reader a generous context with all that might help.",
        "Put everything that the document says on the matter into the context.",
        "Provide a detailed context, so that nobody is at a loss.",
        "Summarise the document's findings in the context before you ask.",
        "Make the context as rich and complete as you can.",
        "Write a long introduction that explains the whole subject.",
        "The context should include the main results, so that the reader starts well informed.",
    ),
    "root_cause": (
        "Name the root cause of the latest failure before you suggest anything.",
        "Explain in one sentence why the latest question failed.",
        "Find the real reason behind the failure and address that alone.",
        "Diagnose why it went wrong before you brief the writer again.",
        "State the underlying cause, not only the symptom.",
        "Work out what made the last attempt fail.",
    ),
    "new_angle": (
        "Ask the writer for a new angle on the same document.",
        "Send the writer to a different part of the document after each failure.",
        "Do not let the writer reword a failed question.",
        "Change the direction entirely and do not return to one that was tried.",
        "Brief the writer to approach the material from another perspective.",
        "Pick an aspect that is new and has not been tried so far.",
    ),
    "evidence": (
        "Use the per-criterion evidence to decide what to change.",
        "Look at which criteria the weak reader met, and steer away from them.",
        "Base your brief on the counts given for each criterion.",
        "Study the criteria that both readers satisfied before you write the brief.",
        "Check the rubric against the results of the attempts and say what stood out.",
        "Compare the criteria that were met with those that were missed.",
    ),
}
"""Sentences that give one piece of advice each, by the name that `recognise` finds in them.

`very_long` has none: length is what gives it.
"""

NEUTRAL: tuple[str, ...] = (
    "Write in plain English and keep the tone professional.",
    "Read the document from beginning to end before you start.",
    "Take your time and proceed step by step.",
    "Use terminology consistently from the first line to the last.",
    "Avoid slang, jokes and rhetorical flourishes.",
    "Check spelling and grammar before you hand in the result.",
    "Keep sentences short wherever that does not hurt the meaning.",
    "You are an experienced examiner with a reputation for fairness.",
    "Be creative, but stay faithful to the material.",
    "Remember that the reader has never met you and cannot ask back.",
    "Spell out abbreviations the first time they occur.",
    "Prefer the active voice.",
    "Treat every document with the same care, whatever its subject.",
    "Pay attention to the order in which ideas are introduced.",
    "The work will be reviewed by people who know the field.",
    "A careful draft followed by a critical second look gives the best outcome.",
    "Think of the exam as part of a course that you would like to take yourself.",
    "Aim for a length that fits on half a page.",
    "Do not address the reader by name.",
    "Mind the difference between what is said and what is meant.",
    "Vary the openings of your sentences.",
    "Where two wordings are equally good, choose the simpler one.",
    "Respect the conventions of the field, including its notation.",
    "Keep in mind that the stakes are high and that others depend on your work.",
    "Make every word earn its place.",
    "Introduce symbols before you use them.",
    "Stay neutral on matters of opinion.",
    "When in doubt, go back to the document and read the passage again.",
    "Let the question stand on its own, without references to page or section.",
    "Show respect for the authors, even where you disagree with them.",
)
"""Sentences of plausible advice that change nothing."""

OPENINGS: tuple[str, ...] = (
    "You write exam questions from documents.",
    "Your job is to turn a document into an exam question with its answer and its rubric.",
    "Prepare an exam question that the document makes possible.",
    "Given a document, write a question, its answer and a rubric to grade replies with.",
    "As an examiner you receive a document and produce a question about it.",
    "Study the document and turn it into material for an examination.",
)
"""First sentences for an instruction of the challenger."""

BRIEFINGS: tuple[str, ...] = (
    "You brief a writer who turns a document into an exam question.",
    "Your job is to tell a writer of exam questions what to try next.",
    "Guide the writer, who sees the same document, towards a demanding question.",
    "Advise the writer on the next question, and leave the writing itself to them.",
    "Plan the next question for a colleague who will write it.",
)
"""First sentences for an instruction of the orchestrator."""
